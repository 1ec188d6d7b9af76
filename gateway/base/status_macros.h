#ifndef LEADGATEWAY_GATEWAY_BASE_STATUS_MACROS_H_
#define LEADGATEWAY_GATEWAY_BASE_STATUS_MACROS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the function when `expr`, an absl::Status, is not OK.
#define LG_RETURN_IF_ERROR(expr)                            \
  do {                                                      \
    if (absl::Status lg_status = (expr); !lg_status.ok()) { \
      return lg_status;                                     \
    }                                                       \
  } while (false)

#define LG_MACRO_CONCAT_INNER(a, b) a##b
#define LG_MACRO_CONCAT(a, b) LG_MACRO_CONCAT_INNER(a, b)

// `LG_ASSIGN_OR_RETURN(auto x, expr)`: x is the value of `expr`, an
// absl::StatusOr; returns its status from the function when it has none.
#define LG_ASSIGN_OR_RETURN(lhs, expr) \
  LG_ASSIGN_OR_RETURN_IMPL(LG_MACRO_CONCAT(lg_statusor_, __LINE__), lhs, expr)
#define LG_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return tmp.status();            \
  lhs = *std::move(tmp)

#endif  // LEADGATEWAY_GATEWAY_BASE_STATUS_MACROS_H_
