#include "daybook/observe/shutdown_signal.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace daybook::observe {
namespace {

TEST(ShutdownSignalTest, ASignalWakesWhoeverWaits) {
  for (const int signal : {SIGTERM, SIGINT}) {
    auto shutdown = ShutdownSignal::Install().value();
    EXPECT_FALSE(shutdown->raised());
    std::jthread waiting([&] { shutdown->Wait(); });
    ASSERT_EQ(kill(getpid(), signal), 0);
    waiting.join();
    EXPECT_TRUE(shutdown->raised());
    EXPECT_TRUE(shutdown->WaitFor(absl::Seconds(1)));
  }
}

TEST(ShutdownSignalTest, RaiseIsLikeTheSignal) {
  auto shutdown = ShutdownSignal::Install().value();
  EXPECT_FALSE(shutdown->WaitFor(absl::Milliseconds(5)));
  shutdown->Raise();
  shutdown->Wait();
  EXPECT_TRUE(shutdown->raised());
}

TEST(ShutdownSignalTest, OnlyOneMayExist) {
  auto first = ShutdownSignal::Install().value();
  EXPECT_EQ(ShutdownSignal::Install().status().code(), absl::StatusCode::kFailedPrecondition);
  first.reset();
  EXPECT_TRUE(ShutdownSignal::Install().ok());
}

TEST(ShutdownSignalDeathTest, ALaterSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        auto shutdown = ShutdownSignal::Install().value();
        while (true) {
          kill(getpid(), SIGTERM);
          poll(nullptr, 0, 10);
        }
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

TEST(ShutdownSignalDeathTest, SignalsSentAtOnceAreOneAsking) {
  EXPECT_EXIT(
      {
        auto shutdown = ShutdownSignal::Install().value();
        for (const int signal : {SIGTERM, SIGTERM, SIGINT}) kill(getpid(), signal);
        shutdown->Wait();
        exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace daybook::observe
