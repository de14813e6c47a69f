#ifndef DAYBOOK_BUS_KAFKA_TESTS_LOST_ANSWERS_H_
#define DAYBOOK_BUS_KAFKA_TESTS_LOST_ANSWERS_H_

namespace daybook::testing {

// While it lives, what this process asks librdkafka of a consumer that is closing is not answered: the worst that its
// issue 4884 can do, each time instead of once in many. The calls that wait return when it ends.
class LostAnswers {
 public:
  LostAnswers();
  ~LostAnswers();
  LostAnswers(const LostAnswers&) = delete;
  LostAnswers& operator=(const LostAnswers&) = delete;
};

}  // namespace daybook::testing

#endif  // DAYBOOK_BUS_KAFKA_TESTS_LOST_ANSWERS_H_
