#include "sandbox/behaviour.h"

namespace leadgateway::sandbox {

bool Applies(const Behaviour& behaviour) {
  switch (behaviour.fault) {
    case Fault::kNone:
    case Fault::kResetAfterApplying:
      return true;
    case Fault::kResetBeforeReading:
      return false;
    case Fault::kThrottle429:
    case Fault::kThrottle403:
    case Fault::kThrottle200:
    case Fault::kUnauthorized:
    case Fault::kWrongHost:
    case Fault::kError500:
    case Fault::kError412:
    case Fault::kHtml502:
      return behaviour.fault_applies.value_or(false);
    case Fault::kEmptyBody:
    case Fault::kTruncatedBody:
    case Fault::kGarbageJson:
    case Fault::kOversized:
    case Fault::kResetMidAnswer:
    case Fault::kCloseWithoutAnswer:
    case Fault::kNeverAnswer:
      return behaviour.fault_applies.value_or(true);
  }
  return true;
}

bool Counts(Fault fault) {
  switch (fault) {
    case Fault::kThrottle429:
    case Fault::kThrottle403:
    case Fault::kThrottle200:
    case Fault::kUnauthorized:
    case Fault::kWrongHost:
    case Fault::kResetBeforeReading:
      return false;
    default:
      return true;
  }
}

int ThrottleStatus(Fault fault) {
  switch (fault) {
    case Fault::kThrottle429:
      return 429;
    case Fault::kThrottle403:
      return 403;
    case Fault::kThrottle200:
      return 200;
    default:
      return 0;
  }
}

}  // namespace leadgateway::sandbox
