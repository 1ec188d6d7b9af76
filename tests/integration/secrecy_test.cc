// Marked values are planted wherever keys, tokens and leads' values travel, and
// then looked for wherever the program writes or shows anything.

#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/credentials.h"
#include "sandbox/sandbox.h"
#include "tests/integration/gateway_fixture.h"
#include "tests/integration/program.h"
#include "tests/support/raw_http_server.h"

namespace leadgateway::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// ------------------------------------------------------------------ the marks

// Every mark has a part of its own, which is what is looked for.
constexpr absl::string_view kAccessKey = "u$rkeymark1access";
constexpr absl::string_view kSecretKey = "keymark1secret";
constexpr absl::string_view kNextAccessKey = "u$rkeymark2access";
constexpr absl::string_view kNextSecretKey = "keymark2secret";
constexpr absl::string_view kAccessKeyOfEnv = "u$rkeymark3access";
constexpr absl::string_view kSecretKeyOfEnv = "keymark3secret";

// Of an account's keys. In no place but the requests to LeadSquared.
const std::vector<std::string>& KeyMarks() {
  static const auto* const marks = new std::vector<std::string>{
      "keymark1access", "keymark1secret", "keymark2access",
      "keymark2secret", "keymark3access", "keymark3secret",
      "keymark4junk",   "keymark5tls",    "keymark6config"};
  return *marks;
}

// What callers send to prove who they are.
const std::vector<std::string>& TokenMarks() {
  static const auto* const marks = new std::vector<std::string>{
      "tokenmark1bearer", "tokenmark2cookie", "tokenmark3apikey",
      "tokenmark4binary", "tokenmark5trace"};
  return *marks;
}

// Of leads: in requests, results and error texts of their own caller alone.
constexpr absl::string_view kMarkedEmail = "valuemark1@example.com";
constexpr absl::string_view kMarkedName = "valuemark2name";
constexpr absl::string_view kMarkedTag = "valuemark3tag";
constexpr int64_t kMarkedNumber = 771199335577;
constexpr absl::string_view kMarkedAttribute = "valuemark4 attribute";

const std::vector<std::string>& ValueMarks() {
  static const auto* const marks = new std::vector<std::string>{
      "valuemark1",   "valuemark2name",  "valuemark3tag",
      "771199335577", "valuemark4",      "valuemark5malformed",
      "valuemark6",   "valuemark7",      "valuemark8http",
      "valuemark9",   "valuemark10http2"};
  return *marks;
}

// --------------------------------------------------------------- looking for

// What was written or shown, by where.
using Places = std::map<std::string, std::string>;

// Whether `mark` is in `text`, in any case, as it is, as base64, as hex.
bool IsIn(const std::string& mark, const std::string& text) {
  const auto has = [&text](const std::string& form) {
    return absl::StrContains(text, form);
  };
  if (absl::StrContains(absl::AsciiStrToLower(text), mark)) return true;
  if (has(absl::BytesToHexString(mark))) return true;
  // At each of the places that it can have in a group of three bytes, without
  // the digits that its neighbours have a part in.
  for (size_t before = 0; before < 3; ++before) {
    std::string digits =
        absl::Base64Escape(absl::StrCat(std::string(before, 'x'), mark));
    while (absl::EndsWith(digits, "=")) digits.pop_back();
    if (has(digits.substr(before + 1, digits.size() - before - 2))) {
      return true;
    }
  }
  return false;
}

void ExpectNowhere(const std::vector<std::string>& marks,
                   const Places& places) {
  for (const auto& [place, text] : places) {
    for (const std::string& mark : marks) {
      if (!IsIn(mark, text)) continue;
      const size_t at = absl::AsciiStrToLower(text).find(mark);
      ADD_FAILURE() << mark << " is in " << place << ": "
                    << (at == std::string::npos
                            ? "(encoded)"
                            : text.substr(at < 200 ? 0 : at - 200, 400));
    }
  }
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void AddFilesIn(const std::string& directory, Places& places) {
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) {
      places[entry.path().string()] = ReadFile(entry.path().string());
    }
  }
}

// ---------------------------------------------------------- a bad LeadSquared

// Answers every request by quoting all that it has been told.
std::unique_ptr<RawHttpServer> Quoting(
    std::function<void(RawHttpServer::Connection&, const std::string& quote)>
        answer) {
  return std::make_unique<RawHttpServer>(
      [answer = std::move(answer)](RawHttpServer::Connection& connection) {
        while (const auto request = connection.ReadRequest()) {
          std::string quote =
              absl::StrCat(kAccessKey, " u%24rkeymark1access ", kSecretKey);
          if (absl::StartsWith(request->head, "POST")) {
            absl::StrAppend(&quote, " ", kMarkedEmail, " ", kMarkedName, " ",
                            kMarkedNumber);
          }
          answer(connection, quote);
        }
      });
}

std::string Exception(absl::string_view type, absl::string_view message) {
  return absl::StrCat(R"({"Status":"Error","ExceptionType":")", type,
                      R"(","ExceptionMessage":")", message, R"("})");
}

// By the name of the account that has it.
std::map<std::string, std::unique_ptr<RawHttpServer>> QuotingServers() {
  using Connection = RawHttpServer::Connection;
  std::map<std::string, std::unique_ptr<RawHttpServer>> servers;
  const auto add = [&servers](const char* name, auto answer) {
    servers[name] = Quoting(std::move(answer));
  };
  const auto says = [&add](const char* name, int status, const char* type,
                           const char* before = "") {
    add(name, [=](Connection& connection, const std::string& quote) {
      connection.Answer(status,
                        Exception(type, absl::StrCat(before, "no: ", quote)));
    });
  };
  says("unauthorized", 401, "");
  says("throttled", 429, "MXAPIRateLimitExceededException",
       "API calls exceeded the limit of 50 in 1 second(s) ");
  says("refused", 500, "MXInvalidInputException");
  says("unknown-field", 412, "MXUnknownAttributeException",
       "Attribute(s) does not exist - ");
  says("other-error", 500, "System.NullReferenceException");
  add("html", [](Connection& connection, const std::string& quote) {
    connection.Answer(502, absl::StrCat("<html>", quote, "</html>"));
  });
  add("garbage", [](Connection& connection, const std::string& quote) {
    connection.Answer(200, absl::StrCat(R"({"Status":")", quote, "\x01{["));
  });
  add("list", [](Connection& connection, const std::string& quote) {
    // For a metadata call: fields that bear keys as names.
    connection.Answer(200,
                      absl::StrCat(R"([{"SchemaName":")", kSecretKey,
                                   R"(","DisplayName":")", quote, R"("}, 7])"));
  });
  add("strangers", [](Connection& connection, const std::string& quote) {
    connection.Answer(
        200,
        absl::StrReplaceAll(
            R"({"Status":{"Message":"Q","Status":"Q","SuccessCount":9,"FailureCount":1},
            "SuccessfulLeads":[{"Identifier":"EmailAddress","IdentifierValue":"Q"}],
            "FailedLeads":[{"Identifier":"EmailAddress","IdentifierValue":"valuemark1@example.com","Reason":"Q"},
                           {"Identifier":"Q","IdentifierValue":"Q","Reason":"Q"}]})",
            {{"Q", quote}}));
  });
  add("reset", [](Connection& connection, const std::string& quote) {
    connection.Write(absl::StrCat("HTTP/1.1 200 ", quote,
                                  "\r\nContent-Length: 5000\r\n\r\n", quote));
    connection.Reset();
  });
  add("head", [](Connection& connection, const std::string& quote) {
    connection.Answer(
        302, quote,
        absl::StrCat("Location: http://127.0.0.1:1/?", kSecretKey,
                     "\r\nRetry-After: ", quote, "\r\nContent-Type: ", quote,
                     "\r\nSet-Cookie: ", kSecretKey, "\r\n"));
  });
  add("no-http", [](Connection& connection, const std::string& quote) {
    connection.Write(absl::StrCat(quote, "\r\n\r\n", quote));
    connection.Close();
  });
  return servers;
}

// --------------------------------------------------------------------- the
// test

class SecrecyTest : public ::testing::Test {
 protected:
  SecrecyTest() {
    sandbox::SandboxOptions options;
    options.account.generate_leads = 100;
    options.account.allowance.calls = 50;
    options.account.allowance.window = absl::Seconds(1);
    options.account.keys = {
        {"first", std::string(kAccessKey), std::string(kSecretKey)},
        {"next", std::string(kNextAccessKey), std::string(kNextSecretKey)},
        {"env", std::string(kAccessKeyOfEnv), std::string(kSecretKeyOfEnv)}};
    sandbox_ = *sandbox::Sandbox::Create(options);
    dir_.Write("access_key", absl::StrCat(kAccessKey, "\n"));
    dir_.Write("secret_key", absl::StrCat(kSecretKey, "\n"));
    dir_.Write("rotated_access_key", kAccessKey);
    dir_.Write("rotated_secret_key", kSecretKey);
    std::filesystem::create_directory(In("state"));
    std::filesystem::create_directory(In("work"));
  }

  std::string In(absl::string_view name) const {
    return absl::StrCat(dir_.path(), "/", name);
  }

  static std::string PathOf(const char* variable) {
    const char* const path = getenv(variable);
    return path == nullptr ? "" : std::filesystem::absolute(path).string();
  }

  // Runs a program in work/, which may leave a core file there; its standard
  // output goes to NAME.out, its process id to NAME.pid.
  std::unique_ptr<Program> Run(const std::string& name,
                               const std::vector<std::string>& command,
                               const std::vector<std::string>& env = {}) {
    std::vector<std::string> arguments = {
        "/bin/sh",
        "-c",
        "cd \"$1/work\"; ulimit -c unlimited; echo $$ >\"$1/$2.pid\"; "
        "out=\"$1/$2.out\"; shift 2; exec env \"$@\" >\"$out\"",
        "sh",
        dir_.path(),
        name};
    arguments.insert(arguments.end(), env.begin(), env.end());
    arguments.insert(arguments.end(), command.begin(), command.end());
    return std::make_unique<Program>(std::move(arguments));
  }
  std::unique_ptr<Program> RunGateway(
      const std::string& name, const std::string& config,
      const std::vector<std::string>& env = {}) {
    return Run(name,
               {PathOf("LEAD_GATEWAY"),
                absl::StrCat("--config=",
                             dir_.Write(absl::StrCat(name, ".json"), config))},
               env);
  }
  std::string OutputOf(const std::string& name) const {
    return ReadFile(In(absl::StrCat(name, ".out")));
  }
  std::string ProcOf(const std::string& name, absl::string_view file) const {
    return ReadFile(absl::StrCat(
        "/proc/",
        absl::StripAsciiWhitespace(ReadFile(In(absl::StrCat(name, ".pid")))),
        "/", file));
  }

  // An account of the configuration; `more` begins with a comma.
  std::string Account(absl::string_view name, absl::string_view url,
                      absl::string_view more = "",
                      absl::string_view keys = "") const {
    return absl::StrCat(
        R"({ "name": ")", name, R"(", "baseUrl": ")", url,
        R"(", "accessKeyFile": ")", In(absl::StrCat(keys, "access_key")),
        R"(", "secretKeyFile": ")", In(absl::StrCat(keys, "secret_key")),
        R"(", "allowance": { "calls": 50, "window": "1s" }, "callTimeout": "30s")",
        more, " }");
  }
  std::string Config(const std::vector<std::string>& accounts,
                     absl::string_view more = "") const {
    return absl::StrCat(
        R"({ "listen": { "address": "127.0.0.1:0" }, "admin": { "address": "127.0.0.1:0" },
             "accounts": [ )",
        absl::StrJoin(accounts, ",\n"), " ]", more, " }");
  }

  TempDir dir_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
};

// A lead with a mark in each place.
v1::Lead* AddMarkedLead(v1::BulkUpdateLeadsRequest& request) {
  v1::Lead* const lead =
      AddLead(request, "EmailAddress", kMarkedEmail, kMarkedName);
  lead->set_tag(std::string(kMarkedTag));
  v1::LeadField* const number = lead->add_fields();
  number->set_attribute("mx_Number");
  number->set_int64_value(kMarkedNumber);
  return lead;
}

Metadata Tokens() {
  return {{"authorization", "Bearer tokenmark1bearer"},
          {"cookie", "session=tokenmark2cookie"},
          {"x-api-key", "tokenmark3apikey"},
          {"signature-bin", "tokenmark4binary"},
          {"traceparent", "00-tokenmark5trace"},
          {"x-request-id", "request-that-may-be-seen"}};
}

// What an RPC and its results say of what went wrong. Where the lead was sent,
// what LeadSquared says of it may quote it.
void AddErrors(const std::string& rpc, const Answer& answer, Places& keys,
               Places& values) {
  keys[absl::StrCat(rpc, "'s error")] = values[absl::StrCat(rpc, "'s error")] =
      absl::StrCat(answer.status.error_message(),
                   answer.status.error_details());
  for (const auto& [index, result] : answer.results) {
    std::string& text = keys[absl::StrCat(rpc, "'s result ", index)] =
        absl::StrCat(result.status().message(),
                     result.status().SerializeAsString());
    if (result.outcome() == v1::OUTCOME_INVALID) {
      values[absl::StrCat(rpc, "'s result ", index)] = text;
    }
  }
}

// Bytes as they are, to a port that expects HTTP/2; until it closes or a second
// is over.
void SendRaw(const std::string& address, const std::string& bytes) {
  Program netcat({"/bin/bash", "-c",
                  "exec 3<>/dev/tcp/\"${0%:*}\"/\"${0##*:}\" && printf %b "
                  "\"$1\" >&3 && timeout 1 cat <&3 >/dev/null",
                  address, bytes});
  netcat.Wait();
}

TEST_F(SecrecyTest, KeysTokensAndLeadsValuesStayWhereTheyBelong) {
  const auto servers = QuotingServers();
  const std::string unchecked = R"(, "schemaChecks": "OFF")";
  const std::string in_query = R"(, "credentialsIn": "QUERY")";
  std::vector<std::string> accounts = {
      Account("acme", sandbox_->url()),
      Account("in-query", sandbox_->url(), in_query),
      Account("rotated", sandbox_->url(), "", "rotated_"),
      absl::StrCat(
          R"({ "name": "of-env", "baseUrl": ")", sandbox_->url(),
          R"(", "accessKeyEnv": "ACCESS", "secretKeyEnv": "SECRET" })"),
      Account("nobody", absl::StrCat("http://127.0.0.1:", UnusedPort()),
              absl::StrCat(unchecked, in_query))};
  std::vector<std::string> names = {"acme", "in-query", "rotated", "of-env",
                                    "nobody"};
  for (const auto& [name, server] : servers) {
    const std::string base = server->Url("");
    for (const auto& [suffix, more] :
         std::vector<std::pair<std::string, std::string>>{
             {"", unchecked},
             {"-in-query", absl::StrCat(unchecked, in_query)},
             {"-checked", ""}}) {
      names.push_back(absl::StrCat(name, suffix));
      accounts.push_back(Account(names.back(), base, more));
    }
  }
  const auto program = RunGateway(
      "gateway",
      Config(
          accounts,
          absl::StrCat(R"(, "logLevel": "DEBUG", "stateDir": ")", In("state"),
                       "\", \"tracing\": { \"file\": \"", In("spans"), "\" }")),
      {"GRPC_VERBOSITY=DEBUG", "GRPC_TRACE=all",
       absl::StrCat("ACCESS=", kAccessKeyOfEnv),
       absl::StrCat("SECRET=", kSecretKeyOfEnv)});
  const std::string serving =
      program->WaitForLine("\"event\":\"serving\"", kLongEnough);
  ASSERT_NE(serving, "");
  const std::string listen = MemberOf(serving, "listen");
  const std::string admin = MemberOf(serving, "admin");
  const auto channel =
      grpc::CreateChannel(listen, grpc::InsecureChannelCredentials());
  const auto stub = v1::LeadGatewayService::NewStub(channel);

  // In `keys` no key and no token may be, in `both` no lead's value either.
  Places keys;
  Places both;
  CallOptions options;
  options.metadata = Tokens();
  options.deadline = absl::Seconds(4);

  // To every kind of LeadSquared, all at once. With all that is logged and a
  // busy machine, a call may take longer than the deadline of most; those of
  // whose ends something is expected below have time enough.
  std::vector<std::unique_ptr<Rpc>> rpcs;
  for (const std::string& name : names) {
    v1::BulkUpdateLeadsRequest request;
    request.set_account(name);
    request.set_search_by_key("EmailAddress");
    AddMarkedLead(request);
    CallOptions patient = options;
    if (name == "unauthorized" || name == "throttled") {
      patient.deadline = 2 * kLongEnough;
    }
    rpcs.push_back(std::make_unique<Rpc>(*stub, request, patient));
  }
  // That one would wait for ever.
  EXPECT_NE(program->WaitForLine(
                R"("account":"throttled","call":1,"verdict":"throttled")",
                kLongEnough),
            "");
  for (size_t i = 0; i < rpcs.size(); ++i) {
    if (names[i] == "throttled") rpcs[i]->Cancel();
    AddErrors(names[i], rpcs[i]->Get(), keys, both);
  }
  // To a LeadSquared that works, and back, so that the marks do travel.
  v1::BulkUpdateLeadsRequest good;
  good.set_account("acme");
  good.set_search_by_key("EmailAddress");
  AddMarkedLead(good)->mutable_fields()->RemoveLast();
  ASSERT_TRUE(sandbox_->account()
                  .AddLead({{"EmailAddress", std::string(kMarkedEmail)}})
                  .ok());
  ExpectAll(Rpc(*stub, good, options).Get(), 1, v1::OUTCOME_UPDATED);

  // Mistakes in requests.
  v1::BulkUpdateLeadsRequest bad;
  bad.set_search_by_key("EmailAddress");
  v1::Lead* lead = AddMarkedLead(bad);  // repeated key
  lead = AddMarkedLead(bad);
  lead->mutable_fields(1)->set_attribute(std::string(kMarkedAttribute));
  lead = AddLead(bad, "EmailAddress", "valuemark6@example.com");
  lead->mutable_fields(1)->set_attribute("DoNotEmail");
  lead->mutable_fields(1)->set_string_value("valuemark7, not a boolean");
  lead = AddLead(bad, "Phone", "valuemark9");
  lead->add_fields()->set_string_value("valuemark9");
  AddErrors("bad", Rpc(*stub, bad, options).Get(), keys, keys);
  both["bad's error"] = keys["bad's error"];
  bad.set_search_by_key("valuemark6");
  AddErrors("bad key", Rpc(*stub, bad, options).Get(), keys, keys);
  bad.set_account("valuemark9");
  AddErrors("bad account", Rpc(*stub, bad, options).Get(), keys, keys);
  good.set_validate_only(true);
  AddErrors("plan", Rpc(*stub, good, options).Get(), keys, both);
  for (const char* const method :
       {"/leadgateway.v1.LeadGatewayService/BulkUpdateLeads",
        "/leadgateway.v1.LeadGatewayService/GetAccountStatus",
        "/leadgateway.v1.LeadGatewayService/valuemark5malformed"}) {
    const RawAnswer raw =
        CallRaw(channel, method, "\x0a\xff\xff\x7fvaluemark5malformed");
    EXPECT_FALSE(raw.status.ok());
    if (!absl::EndsWith(method, "malformed")) {
      both[absl::StrCat("malformed ", method)] = raw.status.error_message();
    }
  }
  // Bytes that are no RPC.
  const std::string preface = "PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n";
  for (const std::string& bytes :
       {std::string("GET /valuemark8http HTTP/1.1\\r\\nCookie: "
                    "tokenmark2cookie\\r\\n\\r\\n"),
        absl::StrCat(preface, "valuemark10http2valuemark10http2"),
        // An empty SETTINGS, then HEADERS with a literal that is none.
        absl::StrCat(preface, "\\0\\0\\0\\x04\\0\\0\\0\\0\\0",
                     "\\0\\0\\x14\\x01\\x04\\0\\0\\0\\x01",
                     "\\x40\\x7fvaluemark10http2xx")}) {
    SendRaw(listen, bytes);
  }

  // What the other RPCs show.
  for (const std::string& name : names) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer tokenmark1bearer");
    v1::GetAccountStatusRequest ask;
    ask.set_account(name);
    v1::GetAccountStatusResponse status;
    ASSERT_TRUE(stub->GetAccountStatus(&context, ask, &status).ok()) << name;
    both[absl::StrCat(name, "'s status")] = status.DebugString();
    grpc::ClientContext list;
    list.set_deadline(std::chrono::system_clock::now() +
                      std::chrono::milliseconds(200));
    v1::ListLeadFieldsRequest filter;
    filter.set_account(name);
    filter.set_filter("valuemark6");
    v1::ListLeadFieldsResponse fields;
    const grpc::Status listed = stub->ListLeadFields(&list, filter, &fields);
    both[absl::StrCat(name, "'s fields")] = absl::StrCat(
        listed.error_message(), listed.error_details(), fields.DebugString());
  }

  // New keys, and then files that hold none.
  dir_.Write("rotated_access_key", kNextAccessKey);
  dir_.Write("rotated_secret_key", kNextSecretKey);
  EXPECT_NE(program->WaitForLine("credentials_changed"), "");
  dir_.Write("rotated_access_key", "keymark4junk in\ntwo lines");
  dir_.Write("rotated_secret_key", std::string("keymark4junk\0\xff", 14));
  EXPECT_NE(program->WaitForLine("keys_not_readable"), "");

  // leadctl.
  std::string rows = "EmailAddress,FirstName,NoSuchField\n";
  absl::StrAppend(&rows, kMarkedEmail, ",", kMarkedName, ",\n");
  const std::string file = dir_.Write("leads.csv", rows);
  const std::string gateway_flag = absl::StrCat("--gateway=", listen);
  for (const std::string name : {"acme", "unauthorized", "refused", "list"}) {
    const std::string account_flag = absl::StrCat("--account=", name);
    const std::vector<std::vector<std::string>> commands = {
        {"update", gateway_flag, account_flag, absl::StrCat("--file=", file),
         "--search-by=EmailAddress", "--verbose", "--no-retry", "--timeout=2s"},
        {"status", gateway_flag, account_flag},
        {"fields", gateway_flag, account_flag, "--timeout=1s"}};
    for (std::vector<std::string> command : commands) {
      const std::string what = absl::StrCat("leadctl-", command[0]);
      command.insert(command.begin(), PathOf("LEADCTL"));
      const auto leadctl = Run(what, command, {"GRPC_VERBOSITY=ERROR"});
      EXPECT_NE(leadctl->Wait(kLongEnough), -1);
      keys[absl::StrCat(what, " ", name)] =
          absl::StrCat(OutputOf(what), absl::StrJoin(leadctl->lines(), "\n"));
    }
  }

  // The admin pages, and what the kernel shows of the process.
  for (const std::string path :
       {"/", "/?account=unauthorized", "/?account=throttled", "/metrics",
        "/healthz", "/readyz", "/config", "/loglevel",
        "/nothing?valuemark8http"}) {
    both[absl::StrCat("GET ", path)] = HttpGet(admin, path);
  }
  EXPECT_THAT(both["GET /"], HasSubstr("in-query"));
  EXPECT_THAT(both["GET /metrics"], HasSubstr("in-query"));
  both["/proc/PID/cmdline"] = ProcOf("gateway", "cmdline");
  EXPECT_THAT(both["/proc/PID/cmdline"], HasSubstr("gateway.json"));
  // Where keys are given by environment variables, the kernel shows them.
  both["/proc/PID/environ"] =
      absl::StrReplaceAll(ProcOf("gateway", "environ"),
                          {{kAccessKeyOfEnv, ""}, {kSecretKeyOfEnv, ""}});
  EXPECT_THAT(both["/proc/PID/environ"], HasSubstr("ACCESS="));
  EXPECT_THAT(ProcOf("gateway", "limits"),
              ::testing::ContainsRegex("Max core file size +0 +0"));

  program->Signal(SIGTERM);
  EXPECT_EQ(program->Wait(), 0);
  both["standard output"] = OutputOf("gateway");
  both["standard error"] = absl::StrJoin(program->lines(), "\n");
  AddFilesIn(In("state"), both);
  AddFilesIn(In("work"), both);
  both["spans"] = ReadFile(In("spans"));

  // Everything was looked at: what may be seen was found.
  EXPECT_THAT(both["standard error"], HasSubstr("request-that-may-be-seen"));
  EXPECT_TRUE(std::filesystem::exists(In("state/acme.fields.json")));
  EXPECT_THAT(both["spans"], HasSubstr("in-query"));
  EXPECT_THAT(keys["unauthorized's error"], HasSubstr("(a key)"));
  EXPECT_THAT(both["unauthorized's error"], HasSubstr("(a value)"));
  EXPECT_THAT(both["throttled's status"], HasSubstr("(a value)"));
  for (const std::string& line : program->lines()) {
    EXPECT_THAT(MemberOf(line, "event"), Not(IsEmpty())) << line;
  }

  std::vector<std::string> secrets = KeyMarks();
  secrets.insert(secrets.end(), TokenMarks().begin(), TokenMarks().end());
  ExpectNowhere(secrets, keys);
  ExpectNowhere(secrets, both);
  ExpectNowhere(ValueMarks(), both);
}

TEST_F(SecrecyTest, ARefusedStartShowsNoKeyThatStandsInTheWrongPlace) {
  dir_.Write("tls.pem",
             "-----BEGIN PRIVATE KEY-----\nkeymark5tls\n-----END PRIVATE "
             "KEY-----\n");
  dir_.Write("junk", "keymark4junk in two");
  const std::string acme = Account("acme", sandbox_->url());
  Places places;
  int started = 0;
  for (const std::string& config :
       {// A private key that is none, where it belongs and where it does not.
        absl::StrReplaceAll(
            Config({acme}),
            {{R"("127.0.0.1:0" }, "admin")",
              absl::StrCat(R"("127.0.0.1:0", "tls": { "certificateFile": ")",
                           In("tls.pem"), R"(", "privateKeyFile": ")",
                           In("tls.pem"), R"(" } }, "admin")")}}),
        Config({acme}, R"(, "keymark6config": "keymark6config")").substr(20),
        Config({absl::StrReplaceAll(
            acme, {{"\"accessKeyFile\"",
                    R"("accessKey": "keymark6config", "accessKeyFile")"}})}),
        Config({absl::StrReplaceAll(acme, {{In("secret_key"), In("junk")}})}),
        Config({absl::StrReplaceAll(
            acme,
            {{"http://", "http://user:keymark6config@"}, {"\"50", "x"}})})}) {
    const std::string name = absl::StrCat("start", started++);
    const auto program = RunGateway(name, config);
    EXPECT_EQ(program->Wait(), 2);
    places[name] =
        absl::StrCat(OutputOf(name), absl::StrJoin(program->lines(), "\n"));
    EXPECT_NE(places[name], "");
  }
  ExpectNowhere(KeyMarks(), places);
}

// What a crash leaves behind.
TEST_F(SecrecyTest, NoCoreFileIsLeftUnlessTheConfigurationAllowsIt) {
  const auto core_of = [this](const std::string& name, absl::string_view more) {
    const auto program =
        RunGateway(name, Config({Account("acme", sandbox_->url())}, more));
    EXPECT_NE(program->WaitForLine("\"event\":\"serving\""), "");
    const std::string limits = ProcOf(name, "limits");
    program->Signal(SIGABRT);
    EXPECT_EQ(program->Wait(), 128 + SIGABRT);
    std::string core;
    for (const auto& entry : std::filesystem::directory_iterator(In("work"))) {
      core = ReadFile(entry.path().string());
      std::filesystem::remove(entry.path());
    }
    return std::make_pair(limits, core);
  };
  const auto [limits, core] = core_of("forbidden", "");
  EXPECT_THAT(limits, ::testing::ContainsRegex("Max core file size +0 +0"));
  EXPECT_EQ(core.size(), 0);

  // The control: here is what it is about.
  const auto [free_limits, free_core] =
      core_of("allowed", R"(, "allowCoreDumps": true)");
  if (!absl::StartsWith(ReadFile("/proc/sys/kernel/core_pattern"), "core") ||
      !absl::StrContains(free_limits, "Max core file size        unlimited")) {
    GTEST_SKIP() << "this machine or a sanitizer keeps core files away";
  }
  EXPECT_TRUE(IsIn("keymark1secret", free_core));
}

}  // namespace
}  // namespace leadgateway::testing
