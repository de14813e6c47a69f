#include "daybook/observe/shutdown_signal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

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

TEST(ShutdownSignalDeathTest, ASecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        auto shutdown = ShutdownSignal::Install().value();
        kill(getpid(), SIGTERM);
        shutdown->Wait();
        kill(getpid(), SIGTERM);
        pause();
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace daybook::observe
