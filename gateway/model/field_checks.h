#ifndef LEADGATEWAY_GATEWAY_MODEL_FIELD_CHECKS_H_
#define LEADGATEWAY_GATEWAY_MODEL_FIELD_CHECKS_H_

namespace leadgateway {

// What becomes of a lead with a mistake of some kind.
enum class CheckPolicy {
  kReject,  // it is not sent
  kWarn,    // it is sent, and its result says so
  kOff,     // it is sent
};

// The policies of an account; its configuration says what each one is about.
struct FieldChecks {
  CheckPolicy names = CheckPolicy::kReject;
  CheckPolicy read_only = CheckPolicy::kReject;
  CheckPolicy types = CheckPolicy::kReject;
  // Accounts differ: some cut or store what others refuse.
  CheckPolicy lengths = CheckPolicy::kWarn;
  CheckPolicy options = CheckPolicy::kWarn;

  friend bool operator==(const FieldChecks&, const FieldChecks&) = default;
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_MODEL_FIELD_CHECKS_H_
