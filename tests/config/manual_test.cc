// gateway_config.proto is the manual of the configuration. What its comments
// say of defaults, ranges and restarts is read from the file itself and
// compared with what the program does.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gateway/config/config_printer.h"
#include "gateway/server/serving_config.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "leadgateway/config/v1/gateway_config.pb.h"

namespace leadgateway {
namespace {

namespace pb = google::protobuf;
using config::v1::GatewayConfig;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

// Every message, with what is required of it and nothing else.
constexpr char kLeast[] = R"pb(
  listen {
    address: "127.0.0.1:50051"
    tls { certificate_file: "c" private_key_file: "k" client_ca_file: "ca" }
    connections {}
    trusted_proxies {}
    authorization { policy_file: "p" }
  }
  admin { address: "127.0.0.1:8081" }
  accounts {
    name: "acme"
    base_url: "https://api.leadsquared.com"
    access_key_file: "a"
    secret_key_file: "s"
    allowance {}
    field_checks {}
    callers { name: "crm" }
  }
  limits {}
  tracing { file: "t" }
)pb";

GatewayConfig Least() {
  GatewayConfig config;
  EXPECT_TRUE(pb::TextFormat::ParseFromString(kLeast, &config));
  return config;
}

std::string MistakesOf(const GatewayConfig& config) {
  std::string text;
  EXPECT_TRUE(pb::TextFormat::PrintToString(config, &text));
  return std::string(
      ParseConfig(text, ConfigFormat::kTextproto).status().message());
}

bool IsDuration(const pb::FieldDescriptor& field) {
  return field.message_type() == pb::Duration::descriptor();
}

class ManualTest : public ::testing::Test {
 protected:
  ManualTest() {
    // As protoc read it, comments included.
    std::ifstream file("tests/config/gateway_config.protoset",
                       std::ios::binary);
    pb::FileDescriptorSet files;
    EXPECT_TRUE(files.ParseFromIstream(&file));
    for (const pb::FileDescriptorProto& each : files.file()) {
      file_ = pool_.BuildFile(each);
      EXPECT_NE(file_, nullptr);
    }
    EXPECT_EQ(file_->name(), GatewayConfig::descriptor()->file()->name());
  }

  // The comment of a message, field, enum or value, on one line.
  template <typename Descriptor>
  static std::string CommentOf(const Descriptor& descriptor) {
    pb::SourceLocation location;
    EXPECT_TRUE(descriptor.GetSourceLocation(&location));
    return absl::StrJoin(
        absl::StrSplit(location.leading_comments, absl::ByAnyChar(" \n"),
                       absl::SkipEmpty()),
        " ");
  }
  // With the comments, where `field` is the compiled one.
  std::string CommentOf(const pb::FieldDescriptor* field) const {
    return CommentOf(*pool_.FindFieldByName(field->full_name()));
  }

  pb::DescriptorPool pool_;
  const pb::FileDescriptor* file_ = nullptr;
};

// Calls `visit(MESSAGE, FIELD, PATH)` for each singular field below `message`,
// whose every message is there; in lists for the first element.
template <typename Visit>
void ForEachField(pb::Message& message, const std::string& path, Visit visit) {
  const pb::Reflection& reflection = *message.GetReflection();
  const pb::Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const pb::FieldDescriptor& field = *type.field(i);
    const std::string at = absl::StrCat(path, field.name());
    visit(message, field, at);
    if (field.message_type() == nullptr || IsDuration(field)) continue;
    if (field.is_repeated()) {
      ASSERT_EQ(reflection.FieldSize(message, &field), 1) << at;
      ForEachField(*reflection.MutableRepeatedMessage(&message, &field, 0),
                   absl::StrCat(at, "[0]."), visit);
    } else {
      ASSERT_TRUE(reflection.HasField(message, &field)) << at;
      ForEachField(*reflection.MutableMessage(&message, &field),
                   absl::StrCat(at, "."), visit);
    }
  }
}

// "1,000", "64 KiB", "0.01", "5s", "100ms": in bytes and nanoseconds.
std::optional<double> Quantity(absl::string_view text) {
  static const auto* const units = new std::map<std::string, double>{
      {"", 1},     {"KiB", 1024}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
      {"ms", 1e6}, {"s", 1e9},    {"m", 60e9},      {"h", 3600e9}};
  const size_t digits =
      std::min(text.find_first_not_of("0123456789.,"), text.size());
  const auto unit =
      units->find(std::string(absl::StripAsciiWhitespace(text.substr(digits))));
  double number = 0;
  if (unit == units->end() ||
      !absl::SimpleAtod(
          absl::StrReplaceAll(text.substr(0, digits), {{",", ""}}), &number)) {
    return std::nullopt;
  }
  return number * unit->second;
}

constexpr char kQuantity[] = "([0-9][0-9.,]*(?: (?:KiB|MiB|GiB)|ms|s|m|h)?)";

std::vector<std::string> Match(const std::string& text,
                               const std::string& pattern) {
  std::smatch found;
  if (!std::regex_search(text, found, std::regex(pattern))) return {};
  return {found.begin() + 1, found.end()};
}

bool IsNumber(const pb::FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_INT32:
    case pb::FieldDescriptor::CPPTYPE_INT64:
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
      return true;
    default:
      return IsDuration(field);
  }
}

// Writes `number` (nanoseconds of a duration) into the field.
void Set(pb::Message& message, const pb::FieldDescriptor& field,
         double number) {
  const pb::Reflection& reflection = *message.GetReflection();
  if (IsDuration(field)) {
    auto& duration = dynamic_cast<pb::Duration&>(
        *reflection.MutableMessage(&message, &field));
    const auto nanoseconds = static_cast<int64_t>(number);
    duration.set_seconds(nanoseconds / 1'000'000'000);
    duration.set_nanos(static_cast<int32_t>(nanoseconds % 1'000'000'000));
    return;
  }
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(&message, &field,
                                 static_cast<int32_t>(number));
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(&message, &field,
                                 static_cast<int64_t>(number));
    default:
      return reflection.SetDouble(&message, &field, number);
  }
}

// The same, as the comments write it; of a duration in nanoseconds.
std::string Get(const pb::Message& message, const pb::FieldDescriptor& field) {
  const pb::Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_MESSAGE: {
      const auto& duration = dynamic_cast<const pb::Duration&>(
          reflection.GetMessage(message, &field));
      return absl::StrCat(duration.seconds() * 1'000'000'000 +
                          duration.nanos());
    }
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(message, &field));
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetInt64(message, &field));
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrCat(reflection.GetDouble(message, &field));
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "true" : "false";
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return reflection.GetEnum(message, &field)->name();
    default:
      return reflection.GetString(message, &field);
  }
}

TEST_F(ManualTest, EveryMessageFieldAndValueHasAComment) {
  const auto check_enum = [](const pb::EnumDescriptor& type) {
    EXPECT_NE(CommentOf(type), "") << type.full_name();
    for (int i = 0; i < type.value_count(); ++i) {
      EXPECT_NE(CommentOf(*type.value(i)), "") << type.value(i)->full_name();
    }
  };
  int fields = 0;
  for (int i = 0; i < file_->message_type_count(); ++i) {
    const pb::Descriptor& type = *file_->message_type(i);
    EXPECT_NE(CommentOf(type), "") << type.full_name();
    for (int j = 0; j < type.field_count(); ++j, ++fields) {
      EXPECT_NE(CommentOf(*type.field(j)), "") << type.field(j)->full_name();
    }
    for (int j = 0; j < type.enum_type_count(); ++j) {
      check_enum(*type.enum_type(j));
    }
  }
  for (int i = 0; i < file_->enum_type_count(); ++i) {
    check_enum(*file_->enum_type(i));
  }
  EXPECT_GT(fields, 70);
}

TEST_F(ManualTest, ANumberHasTheRangeThatItsCommentSays) {
  GatewayConfig config = Least();
  ASSERT_EQ(MistakesOf(config), "");
  int numbers = 0;
  ForEachField(
      config, "",
      [&](pb::Message& message, const pb::FieldDescriptor& field,
          const std::string& path) {
        if (!IsNumber(field)) return;
        ++numbers;
        const std::string comment = CommentOf(&field);
        const std::vector<std::string> range =
            Match(comment, absl::StrCat(kQuantity, " to ", kQuantity));
        ASSERT_EQ(range.size(), 2) << path << ": " << comment;
        ASSERT_TRUE(Quantity(range[0]) && Quantity(range[1])) << comment;
        const double least = *Quantity(range[0]);
        const double most = *Quantity(range[1]);
        EXPECT_LT(least, most) << path;
        const bool whole =
            field.cpp_type() != pb::FieldDescriptor::CPPTYPE_DOUBLE;
        const auto below = [whole](double number) {
          return whole ? number - 1
                       : std::nextafter(number,
                                        -std::numeric_limits<double>::max());
        };
        const auto above = [whole](double number) {
          return whole ? number + 1
                       : std::nextafter(number,
                                        std::numeric_limits<double>::max());
        };
        for (const double good : {least, above(least), below(most), most}) {
          Set(message, field, good);
          EXPECT_EQ(MistakesOf(config), "") << path << " " << good;
        }
        for (const double bad : {below(least), above(most)}) {
          Set(message, field, bad);
          EXPECT_THAT(MistakesOf(config),
                      HasSubstr(absl::StrCat(path, ": must be")))
              << bad;
        }
        // An end of its own beside the range, such as "0s: ...".
        if (absl::StrContains(comment, " 0s: ")) {
          Set(message, field, 0);
          EXPECT_EQ(MistakesOf(config), "") << path;
        }
        message.GetReflection()->ClearField(&message, &field);
      });
  EXPECT_GT(numbers, 25);
}

TEST_F(ManualTest, AFieldHasTheDefaultThatItsCommentSays) {
  GatewayConfig least = Least();
  std::string text;
  ASSERT_TRUE(pb::TextFormat::PrintToString(least, &text));
  const auto options = ParseConfig(text, ConfigFormat::kTextproto);
  ASSERT_TRUE(options.ok()) << options.status();
  // What is in force, with all its defaults.
  GatewayConfig whole;
  ASSERT_TRUE(
      pb::util::JsonStringToMessage(PrintConfig(*options), &whole).ok());
  // What is not printed where nothing is in it.
  whole.mutable_listen()->mutable_trusted_proxies();
  int defaults = 0;
  ForEachField(
      whole, "",
      [&](pb::Message& message, const pb::FieldDescriptor& field,
          const std::string& path) {
        const std::string comment = CommentOf(&field);
        EXPECT_THAT(comment,
                    ContainsRegex("Default: |Required|Left out: |Empty: "))
            << path;
        const std::vector<std::string> said = Match(
            comment,
            absl::StrCat("Default: (",
                         IsNumber(field) ? kQuantity : "([A-Za-z_]+)", ")"));
        // Whatever has a value that is more than nothing says so.
        const bool list = field.is_repeated();
        const bool plain =
            !list && (field.message_type() == nullptr || IsDuration(field));
        if (plain && field.cpp_type() != pb::FieldDescriptor::CPPTYPE_STRING) {
          ASSERT_FALSE(said.empty()) << path << ": " << comment;
        }
        if (said.empty()) return;
        ++defaults;
        ASSERT_TRUE(plain) << path;
        const std::string value = Get(message, field);
        if (IsNumber(field)) {
          // "1m." has the sentence's end with it.
          std::string number = said[0];
          if (absl::EndsWith(number, ".") || absl::EndsWith(number, ",")) {
            number.pop_back();
          }
          double in_force = 0;
          ASSERT_TRUE(absl::SimpleAtod(value, &in_force)) << path;
          EXPECT_EQ(Quantity(number), in_force) << path << ": " << comment;
        } else {
          EXPECT_EQ(said[0], value) << path << ": " << comment;
        }
      });
  EXPECT_GT(defaults, 40);
}

// Whether a change of the field waits for a restart, by the comments: its own,
// or that of a message it is in.
TEST_F(ManualTest, WhatWaitsForARestartSaysSo) {
  const auto says = [](const std::string& comment) {
    return absl::StrContains(comment, "not change while the gateway runs") ||
           absl::StrContains(comment, "Nothing in here changes while");
  };
  constexpr char kOther[] = R"pb(
    listen { address: "[::1]:1" }
    admin { address: "[::1]:2" }
    accounts {
      name: "beta"
      base_url: "https://api-in21.leadsquared.com"
      access_key_file: "b"
      secret_key_file: "t"
    }
    limits {
      max_leads_per_request: 2
      max_request_bytes: 70000
      max_queued_leads: 3
      max_queued_bytes: 2000000
      default_timeout { seconds: 9 }
      max_queued_leads_per_caller: 3
      max_queued_bytes_per_caller: 70000
    }
    drain_timeout { seconds: 9 }
    log_level: DEBUG
    state_dir: "/elsewhere"
    allow_core_dumps: true
  )pb";
  std::string text;
  ASSERT_TRUE(pb::TextFormat::PrintToString(Least(), &text));
  const auto running = ParseConfig(text, ConfigFormat::kTextproto);
  auto next = ParseConfig(kOther, ConfigFormat::kTextproto);
  ASSERT_TRUE(running.ok() && next.ok()) << next.status();
  const auto kept = server::KeepFixedSettings(*running, *next);
  ASSERT_TRUE(kept.ok()) << kept.status();
  std::set<std::string> fixed;  // fields of GatewayConfig, and of its messages
  for (const std::string& path : *kept) {
    const pb::Descriptor* type = file_->FindMessageTypeByName("GatewayConfig");
    bool said = false;
    for (const absl::string_view name : absl::StrSplit(path, '.')) {
      const pb::FieldDescriptor* const field =
          type->FindFieldByCamelcaseName(std::string(name));
      ASSERT_NE(field, nullptr) << path;
      said = said || says(CommentOf(*field)) || says(CommentOf(*type));
      fixed.insert(field->full_name());
      type = field->message_type();
      said = said || (type != nullptr && says(CommentOf(*type)));
    }
    EXPECT_TRUE(said) << path;
  }
  // And nobody says so without need.
  for (int i = 0; i < file_->message_type_count(); ++i) {
    const pb::Descriptor& type = *file_->message_type(i);
    for (int j = 0; j < type.field_count(); ++j) {
      if (says(CommentOf(*type.field(j)))) {
        EXPECT_TRUE(fixed.contains(type.field(j)->full_name()))
            << type.field(j)->full_name();
      }
    }
  }
}

}  // namespace
}  // namespace leadgateway
