// What the gateway costs beside what it must do at least. The real program, in
// front of a stand-in that answers at once, against three things that do the
// same work without it: a bare gRPC server that answers the same messages
// (callback API), bare libcurl POSTs of the same bodies, and the JSON alone.
//
//   gateway_bench --measure=cpu       CPU time per lead, throughput
//   gateway_bench --measure=latency   what an RPC takes when calls are free
//   gateway_bench --measure=memory    growth over 1.1 million leads
//   gateway_bench --measure=start     from exec to serving
//   gateway_bench --measure=logs      CPU time with log lines and a scrape a
//                                     block, against none
//
// Gateway and reference run in alternating blocks (ABBA). Each figure is the
// median of the pairs' ratios, with a bootstrap interval of 95 %.
#include <curl/curl.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/signal.h"
#include "gateway/leadsquared/wire_codec.h"
#include "gateway/model/lead.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/client_callback.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"

ABSL_FLAG(std::string, measure, "cpu", "cpu, latency, memory, start or logs.");
ABSL_FLAG(std::string, gateway, "gateway/lead_gateway", "The program.");
ABSL_FLAG(int, pairs, 30, "Pairs of blocks.");
ABSL_FLAG(double, seconds, 1.0, "How long a block takes.");
ABSL_FLAG(int, leads, 25, "Leads in a request.");
ABSL_FLAG(int, at_once, 32, "Requests under way while there is no rate.");
ABSL_FLAG(double, rate, 100, "Requests a second, for latencies.");
ABSL_FLAG(std::string, role, "", "For the bench's own use.");
ABSL_FLAG(std::string, upstream, "", "For the bench's own use.");
ABSL_FLAG(int, counter_fd, -1, "For the bench's own use.");

namespace leadgateway {
namespace {

using Clock = std::chrono::steady_clock;

// ------------------------------------------------------------------ messages

std::string EmailOf(int lead) {
  return absl::StrCat("lead", lead, "@example.com");
}

const std::vector<std::pair<std::string, std::string>>& OtherFields() {
  static const auto* const fields =
      new std::vector<std::pair<std::string, std::string>>{
          {"FirstName", "Ada"}, {"mx_City", "Pune"}, {"ProspectStage", "New"}};
  return *fields;
}

v1::BulkUpdateLeadsRequest NewRequest(int first, int count) {
  v1::BulkUpdateLeadsRequest request;
  request.set_search_by_key("EmailAddress");
  for (int i = 0; i < count; ++i) {
    v1::Lead* const lead = request.add_leads();
    const auto add = [lead](const std::string& name, const std::string& value) {
      v1::LeadField* const field = lead->add_fields();
      field->set_attribute(name);
      field->set_string_value(value);
    };
    add("EmailAddress", EmailOf(first + i));
    for (const auto& [name, value] : OtherFields()) add(name, value);
  }
  return request;
}

std::vector<LeadUpdate> NewLeads(int first, int count) {
  std::vector<LeadUpdate> leads(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    LeadUpdate& lead = leads[static_cast<size_t>(i)];
    lead.index = i;
    lead.fields.push_back({"EmailAddress", EmailOf(first + i)});
    for (const auto& [name, value] : OtherFields()) {
      lead.fields.push_back({name, value});
    }
  }
  return leads;
}

std::string Encode(const std::vector<LeadUpdate>& leads) {
  std::vector<const LeadUpdate*> pointers;
  for (const LeadUpdate& lead : leads) pointers.push_back(&lead);
  return leadsquared::EncodeUpdate("EmailAddress", pointers);
}

// LeadSquared's answer to a body in which all succeed. Does not parse it: the
// stand-in must cost little.
std::string AnswerTo(absl::string_view body) {
  constexpr absl::string_view kKey = R"("EmailAddress","Value":")";
  std::string lines;
  int count = 0;
  for (size_t at = 0; (at = body.find(kKey, at)) != absl::string_view::npos;) {
    at += kKey.size();
    const size_t end = body.find('"', at);
    absl::StrAppend(&lines, count++ == 0 ? "" : ",",
                    R"({"Identifier":"EmailAddress","IdentifierValue":")",
                    body.substr(at, end - at), R"("})");
    at = end;
  }
  return absl::StrCat(R"({"Status":{"TotalCount":)", count,
                      R"(,"SuccessCount":)", count,
                      R"(,"FailureCount":0,"Message":"Processed"},)",
                      R"("Details":{"SuccessfulLeads":[)", lines, "]}}");
}

// ------------------------------------------------------------------ upstream

// Answers UpdateV2 calls on one thread, for ever.
[[noreturn]] void ServeUpstream() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 1000) != 0) {
    exit(1);
  }
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  printf("127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [poller](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  };
  watch(listener);
  std::unordered_map<int, std::string> received;
  std::vector<char> buffer(1 << 16);
  while (true) {
    std::array<epoll_event, 64> events{};
    const int ready = epoll_wait(poller, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == listener) {
        const int connection =
            accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        const int one = 1;
        setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        watch(connection);
        continue;
      }
      const ssize_t got = read(fd, buffer.data(), buffer.size());
      if (got <= 0) {
        received.erase(fd);
        close(fd);
        continue;
      }
      std::string& text = received[fd];
      text.append(buffer.data(), static_cast<size_t>(got));
      while (true) {
        const size_t head = text.find("\r\n\r\n");
        if (head == std::string::npos) break;
        constexpr absl::string_view kLength = "Content-Length: ";
        const size_t at = text.find(kLength.data());
        const size_t length =
            at < head
                ? std::strtoul(text.c_str() + at + kLength.size(), nullptr, 10)
                : 0;
        if (text.size() < head + 4 + length) break;
        const std::string body =
            AnswerTo(absl::string_view(text).substr(head + 4, length));
        const std::string answer = absl::StrCat(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            "Content-Length: ",
            body.size(), "\r\n\r\n", body);
        if (write(fd, answer.data(), answer.size()) < 0) break;
        text.erase(0, head + 4 + length);
      }
    }
  }
}

// ---------------------------------------------------------------------- echo

class EchoReactor final
    : public grpc::ServerWriteReactor<v1::BulkUpdateLeadsResponse> {
 public:
  explicit EchoReactor(const v1::BulkUpdateLeadsRequest& request) {
    for (int i = 0; i < request.leads_size(); ++i) {
      v1::LeadResult* const result = message_.add_results();
      result->set_index(i);
      result->set_outcome(v1::OUTCOME_UPDATED);
      result->set_identifier(request.leads(i).fields(0).attribute());
      result->set_identifier_value(request.leads(i).fields(0).string_value());
      result->set_attempts(1);
    }
    message_.mutable_summary()->set_updated(request.leads_size());
    message_.mutable_summary()->set_total(request.leads_size());
    message_.mutable_summary()->set_upstream_calls(1);
    StartWrite(&message_);
  }

 private:
  void OnWriteDone(bool) override { Finish(grpc::Status::OK); }
  void OnDone() override { delete this; }

  v1::BulkUpdateLeadsResponse message_;
};

class EchoService final : public v1::LeadGatewayService::CallbackService {
  grpc::ServerWriteReactor<v1::BulkUpdateLeadsResponse>* BulkUpdateLeads(
      grpc::CallbackServerContext*,
      const v1::BulkUpdateLeadsRequest* request) override {
    return new EchoReactor(*request);
  }
};

[[noreturn]] void ServeEcho() {
  EchoService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  printf("127.0.0.1:%d\n", port);
  fflush(stdout);
  while (true) pause();
}

// --------------------------------------------------------------------- posts

struct Post {
  std::string body;
  std::string answer;
};

size_t Append(char* data, size_t, size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, count);
  return count;
}

CURL* NewPost(const std::string& url, curl_slist* headers, Post& post) {
  CURL* const easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post.body.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE,
                   static_cast<long>(post.body.size()));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &post);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &post.answer);
  return easy;
}

curl_slist* PostHeaders() {
  curl_slist* headers = nullptr;
  for (const char* const line :
       {"Content-Type: application/json", "Accept: application/json",
        "x-LSQ-AccessKey: u$r0123456789abcdef0123456789abcdef",
        "x-LSQ-SecretKey: 0123456789abcdef0123456789abcdef01234567",
        "Expect:"}) {
    headers = curl_slist_append(headers, line);
  }
  return headers;
}

std::string UpdateUrl(const std::string& upstream) {
  return absl::StrCat("http://", upstream,
                      "/v2/LeadManagement.svc/Lead/Bulk/UpdateV2");
}

// POSTs without end, as many at once as asked, and counts them.
[[noreturn]] void MakePosts() {
  auto* const counter = static_cast<std::atomic<int64_t>*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
           absl::GetFlag(FLAGS_counter_fd), 0));
  const int leads = absl::GetFlag(FLAGS_leads);
  const std::string url = UpdateUrl(absl::GetFlag(FLAGS_upstream));
  CURLM* const multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 100L);
  curl_slist* const headers = PostHeaders();
  std::vector<Post> posts(static_cast<size_t>(absl::GetFlag(FLAGS_at_once)));
  for (size_t i = 0; i < posts.size(); ++i) {
    posts[i].body = Encode(NewLeads(static_cast<int>(i) * leads, leads));
    curl_multi_add_handle(multi, NewPost(url, headers, posts[i]));
  }
  printf("ready\n");
  fflush(stdout);
  while (true) {
    int running = 0;
    curl_multi_perform(multi, &running);
    int left = 0;
    while (CURLMsg* const message = curl_multi_info_read(multi, &left)) {
      CURL* const easy = message->easy_handle;
      Post* post = nullptr;
      curl_easy_getinfo(easy, CURLINFO_PRIVATE, &post);
      if (message->data.result != CURLE_OK || post->answer.empty()) exit(1);
      post->answer.clear();
      ++*counter;
      curl_multi_remove_handle(multi, easy);
      curl_multi_add_handle(multi, easy);
    }
    curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
}

// ----------------------------------------------------------------- processes

int64_t NanosOf(const timespec& time) {
  return int64_t{1'000'000'000} * time.tv_sec + time.tv_nsec;
}

// Those that run; killed when the bench ends early.
std::vector<pid_t>& Running() {
  static auto* const running = new std::vector<pid_t>();
  return *running;
}

// A program whose first line on `line_fd` is awaited. Killed at the end.
class Child {
 public:
  Child(std::vector<std::string> arguments, int line_fd,
        const std::string& other_output = "/dev/null") {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) exit(1);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], line_fd);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    started_ = Clock::now();
    if (posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) !=
        0) {
      fprintf(stderr, "can't start %s\n", argv[0]);
      exit(1);
    }
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    Running().push_back(pid_);
    reader_ = std::thread([this, fd = ends[0], other_output] {
      const int copy = open(other_output.c_str(),
                            O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
      std::vector<char> buffer(1 << 16);
      std::string text;
      for (ssize_t got; (got = read(fd, buffer.data(), buffer.size())) > 0;) {
        if (line_.WaitFor(absl::ZeroDuration())) {
          [[maybe_unused]] const ssize_t written =
              write(copy, buffer.data(), static_cast<size_t>(got));
          continue;
        }
        text.append(buffer.data(), static_cast<size_t>(got));
        for (size_t end; (end = text.find('\n')) != std::string::npos;) {
          const std::string line = text.substr(0, end);
          text.erase(0, end + 1);
          // Of the gateway, this one; of the others, any.
          if (line[0] == '{' && !absl::StrContains(line, "\"serving\"")) {
            continue;
          }
          took_ = Clock::now() - started_;
          first_line_ = line;
          line_.Set();
          break;
        }
      }
      close(copy);
      close(fd);
      line_.Set();
    });
    line_.WaitFor(absl::Seconds(20));
    if (first_line_.empty()) {
      fprintf(stderr, "%s does not serve\n", arguments[0].c_str());
      exit(1);
    }
    clock_getcpuclockid(pid_, &cpu_clock_);
  }
  ~Child() {
    std::erase(Running(), pid_);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    reader_.join();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  const std::string& line() const { return first_line_; }
  // A member of the line as an object.
  std::string Member(const std::string& name) const {
    const std::string key = absl::StrCat("\"", name, "\":\"");
    const size_t at = first_line_.find(key);
    if (at == std::string::npos) return "";
    const size_t begin = at + key.size();
    return first_line_.substr(begin, first_line_.find('"', begin) - begin);
  }
  Clock::duration took() const { return took_; }
  int64_t CpuNanos() const {
    timespec time{};
    clock_gettime(cpu_clock_, &time);
    return NanosOf(time);
  }
  double ResidentMiB() const {
    std::ifstream file(absl::StrCat("/proc/", pid_, "/statm"));
    int64_t size = 0;
    int64_t resident = 0;
    file >> size >> resident;
    return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / (1 << 20);
  }
  void Signal(int signal) const { kill(pid_, signal); }

 private:
  pid_t pid_ = -1;
  clockid_t cpu_clock_{};
  Clock::time_point started_;
  Clock::duration took_{};
  std::string first_line_;
  ::leadgateway::Signal line_;
  std::thread reader_;
};

std::string Self() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

std::unique_ptr<Child> StartSelf(const std::string& role,
                                 std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {
      Self(), absl::StrCat("--role=", role),
      absl::StrCat("--leads=", absl::GetFlag(FLAGS_leads)),
      absl::StrCat("--at_once=", absl::GetFlag(FLAGS_at_once))};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return std::make_unique<Child>(std::move(arguments), STDOUT_FILENO);
}

// A directory with what the gateway needs.
class Place {
 public:
  Place() {
    std::string path = "/tmp/gateway_bench_XXXXXX";
    if (mkdtemp(path.data()) == nullptr) exit(1);
    path_ = path;
    Write("access_key", "u$r0123456789abcdef0123456789abcdef");
    Write("secret_key", "0123456789abcdef0123456789abcdef01234567");
    std::string fields;
    for (const char* const name :
         {"EmailAddress", "FirstName", "mx_City", "ProspectStage"}) {
      absl::StrAppend(
          &fields, fields.empty() ? "" : ",", R"({"SchemaName":")", name,
          R"(","DisplayName":")", name,
          R"(","DataType":"Text","MaxLength":"200","IsLeadIdentifier":)",
          absl::string_view(name) == "EmailAddress" ? "true" : "false", "}");
    }
    Write("fields.json", absl::StrCat("[", fields, "]"));
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string Write(const std::string& name, const std::string& text) const {
    const std::string file = absl::StrCat(path_, "/", name);
    std::ofstream(file, std::ios::binary) << text;
    std::filesystem::permissions(file, std::filesystem::perms::owner_read |
                                           std::filesystem::perms::owner_write);
    return file;
  }

  // All checks on, and an allowance that is never in the way.
  std::unique_ptr<Child> StartGateway(const std::string& upstream,
                                      const std::string& log_level) const {
    const std::string config = Write(
        absl::StrCat("config-", log_level, ".json"),
        absl::StrCat(R"({"listen":{"address":"127.0.0.1:0"},
                         "admin":{"address":"127.0.0.1:0"},"logLevel":")",
                     log_level, R"(","accounts":[{"name":"acme","baseUrl":)",
                     "\"http://", upstream, R"(","accessKeyFile":")", path_,
                     R"(/access_key","secretKeyFile":")", path_,
                     R"(/secret_key","metadataFile":")", path_,
                     R"(/fields.json","fieldRefresh":"0s","allowance":
                         {"calls":10000,"window":"0.1s"}}]})"));
    return std::make_unique<Child>(
        std::vector<std::string>{absl::GetFlag(FLAGS_gateway),
                                 absl::StrCat("--config=", config)},
        STDERR_FILENO, absl::StrCat(path_, "/log-", log_level));
  }

 private:
  std::string path_;
};

// ---------------------------------------------------------------------- load

// One connection to a server, and requests over it.
class Client {
 public:
  explicit Client(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(
        address, grpc::InsecureChannelCredentials(), arguments);
    if (!channel_->WaitForConnected(
            absl::ToChronoTime(absl::Now() + absl::Seconds(10)))) {
      exit(1);
    }
    stub_ = v1::LeadGatewayService::NewStub(channel_);
  }
  v1::LeadGatewayService::Stub& stub() { return *stub_; }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::LeadGatewayService::Stub> stub_;
};

// One RPC; `done` is called with how many leads were updated. Deletes itself.
class Rpc final : public grpc::ClientReadReactor<v1::BulkUpdateLeadsResponse> {
 public:
  Rpc(Client& client, const v1::BulkUpdateLeadsRequest& request,
      std::function<void(int)> done)
      : done_(std::move(done)) {
    client.stub().async()->BulkUpdateLeads(&context_, &request, this);
    StartRead(&message_);
    StartCall();
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return;
    for (const v1::LeadResult& result : message_.results()) {
      updated_ += result.outcome() == v1::OUTCOME_UPDATED;
    }
    StartRead(&message_);
  }
  void OnDone(const grpc::Status& status) override {
    if (!status.ok()) {
      fprintf(stderr, "RPC: %s\n", status.error_message().c_str());
      exit(1);
    }
    const std::function<void(int)> done = std::move(done_);
    const int updated = updated_;
    delete this;
    done(updated);
  }

  std::function<void(int)> done_;
  grpc::ClientContext context_;
  v1::BulkUpdateLeadsResponse message_;
  int updated_ = 0;
};

// Keeps some requests under way, each with leads of its own.
class ClosedLoop {
 public:
  struct Result {
    int64_t leads = 0;
    double seconds = 0;
  };
  explicit ClosedLoop(const std::string& address) : client_(address) {
    const int leads = absl::GetFlag(FLAGS_leads);
    for (int i = 0; i < absl::GetFlag(FLAGS_at_once); ++i) {
      requests_.push_back(NewRequest(i * leads, leads));
    }
  }

  // For that long, or until so many leads are done.
  Result Run(double seconds, int64_t most_leads = INT64_MAX) {
    leads_ = 0;
    most_leads_ = most_leads;
    until_ = Clock::now() +
             std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6));
    const Clock::time_point start = Clock::now();
    ended_ = std::make_unique<Signal>();
    under_way_ = static_cast<int>(requests_.size());
    for (const auto& request : requests_) Next(request);
    ended_->WaitFor(absl::Minutes(10));
    const std::chrono::duration<double> took = Clock::now() - start;
    return {leads_, took.count()};
  }

 private:
  void Next(const v1::BulkUpdateLeadsRequest& request) {
    new Rpc(client_, request, [this, &request](int updated) {
      if (updated != request.leads_size()) {
        fprintf(stderr, "%d of %d leads updated\n", updated,
                request.leads_size());
        exit(1);
      }
      leads_ += updated;
      if (Clock::now() < until_ && leads_ < most_leads_) return Next(request);
      if (--under_way_ == 0) ended_->Set();
    });
  }

  Client client_;
  std::vector<v1::BulkUpdateLeadsRequest> requests_;
  std::atomic<int64_t> leads_{0};
  int64_t most_leads_ = 0;
  Clock::time_point until_;
  std::atomic<int> under_way_{0};
  std::unique_ptr<Signal> ended_;
};

// Latencies in ms, from when each was due (open loop).
std::vector<double> OpenLoop(double seconds,
                             const std::function<void(int, Signal&)>& begin) {
  const double rate = absl::GetFlag(FLAGS_rate);
  const int count = static_cast<int>(seconds * rate);
  std::vector<double> waits(static_cast<size_t>(count));
  std::vector<Signal> signals(static_cast<size_t>(count));
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < count; ++i) {
    const Clock::time_point due =
        start + std::chrono::microseconds(static_cast<int64_t>(1e6 * i / rate));
    std::this_thread::sleep_until(due);
    begin(i, signals[static_cast<size_t>(i)]);
    signals[static_cast<size_t>(i)].WaitFor(absl::Seconds(30));
    waits[static_cast<size_t>(i)] =
        std::chrono::duration<double, std::milli>(Clock::now() - due).count();
  }
  return waits;
}

// --------------------------------------------------------------------- sums

double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, values.size() - 1);
  const double share = at - static_cast<double>(low);
  return values[low] * (1 - share) + values[high] * share;
}
double Median(const std::vector<double>& values) {
  return Quantile(values, 0.5);
}

// "1.23 [1.20, 1.26]"
std::string MedianWithInterval(const std::vector<double>& values) {
  std::mt19937 random(1);
  std::uniform_int_distribution<size_t> pick(0, values.size() - 1);
  std::vector<double> medians;
  for (int i = 0; i < 2000; ++i) {
    std::vector<double> sample;
    for (size_t k = 0; k < values.size(); ++k) {
      sample.push_back(values[pick(random)]);
    }
    medians.push_back(Median(sample));
  }
  char text[80];
  snprintf(text, sizeof(text), "%.3f [%.3f, %.3f]", Median(values),
           Quantile(medians, 0.025), Quantile(medians, 0.975));
  return text;
}

// Calls both for each pair, in the order ABBA.
void InTurns(const std::function<void()>& a, const std::function<void()>& b) {
  for (int i = 0; i < absl::GetFlag(FLAGS_pairs); ++i) {
    (i % 2 == 0 ? a : b)();
    (i % 2 == 0 ? b : a)();
  }
}

std::vector<double> Ratios(const std::vector<double>& a,
                           const std::vector<double>& b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < a.size(); ++i) ratios.push_back(a[i] / b[i]);
  return ratios;
}

// ------------------------------------------------------------------ measures

// CPU time per lead of the JSON of one call, in microseconds.
double JsonMicros(double seconds) {
  const int count = absl::GetFlag(FLAGS_leads);
  const std::vector<LeadUpdate> leads = NewLeads(0, count);
  const std::string answer = AnswerTo(Encode(leads));
  const auto cpu = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return NanosOf(time);
  };
  const int64_t start = cpu();
  int64_t done = 0;
  while (static_cast<double>(cpu() - start) < seconds * 1e9) {
    for (int i = 0; i < 20; ++i, done += count) {
      const auto decoded = leadsquared::DecodeAnswer(answer);
      if (Encode(leads).empty() || !decoded.ok() ||
          decoded->successful_leads.size() != static_cast<size_t>(count)) {
        exit(1);
      }
    }
  }
  return static_cast<double>(cpu() - start) * 1e-3 / static_cast<double>(done);
}

void MeasureCpu() {
  const Place place;
  const auto upstream = StartSelf("upstream");
  const auto gateway = place.StartGateway(upstream->line(), "INFO");
  const auto echo = StartSelf("echo");
  const int counter_fd = memfd_create("posts", 0);
  if (ftruncate(counter_fd, 4096) != 0) exit(1);
  auto* const posted = static_cast<std::atomic<int64_t>*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, counter_fd, 0));
  const auto posts =
      StartSelf("posts", {absl::StrCat("--upstream=", upstream->line()),
                          absl::StrCat("--counter_fd=", counter_fd)});
  posts->Signal(SIGSTOP);
  const int leads = absl::GetFlag(FLAGS_leads);
  const double seconds = absl::GetFlag(FLAGS_seconds);
  ClosedLoop to_gateway(gateway->Member("listen"));
  ClosedLoop to_echo(echo->line());
  to_gateway.Run(seconds);
  to_echo.Run(seconds);

  std::vector<double> gateway_us, echo_us, post_us, json_us, gateway_rate,
      echo_rate, parts_us;
  const auto run = [seconds](ClosedLoop& loop, const Child& server,
                             std::vector<double>& us,
                             std::vector<double>& rate) {
    const int64_t before = server.CpuNanos();
    const ClosedLoop::Result result = loop.Run(seconds);
    us.push_back(static_cast<double>(server.CpuNanos() - before) * 1e-3 /
                 static_cast<double>(result.leads));
    rate.push_back(static_cast<double>(result.leads) / result.seconds);
  };
  InTurns(
      [&] { run(to_gateway, *gateway, gateway_us, gateway_rate); },
      [&] {
        run(to_echo, *echo, echo_us, echo_rate);
        const int64_t before = posts->CpuNanos();
        const int64_t posted_before = *posted;
        posts->Signal(SIGCONT);
        absl::SleepFor(absl::Seconds(seconds / 2));
        posts->Signal(SIGSTOP);
        absl::SleepFor(absl::Milliseconds(5));
        post_us.push_back(
            static_cast<double>(posts->CpuNanos() - before) * 1e-3 /
            static_cast<double>((*posted - posted_before) * leads));
        json_us.push_back(JsonMicros(seconds / 10));
        parts_us.push_back(echo_us.back() + post_us.back() + json_us.back());
      });
  printf("%d leads a request, %d requests at once, %d pairs of %.1f s\n", leads,
         absl::GetFlag(FLAGS_at_once), absl::GetFlag(FLAGS_pairs), seconds);
  printf("CPU us/lead: gateway %.2f; echo %.2f, POST %.2f, JSON %.2f\n",
         Median(gateway_us), Median(echo_us), Median(post_us), Median(json_us));
  printf("CPU of the gateway / (echo + POST + JSON): %s\n",
         MedianWithInterval(Ratios(gateway_us, parts_us)).c_str());
  printf("leads/s: gateway %.0f, echo %.0f\n", Median(gateway_rate),
         Median(echo_rate));
  printf("throughput / echo: %s\n",
         MedianWithInterval(Ratios(gateway_rate, echo_rate)).c_str());
  printf("resident MiB: gateway %.1f, echo %.1f\n", gateway->ResidentMiB(),
         echo->ResidentMiB());
}

void MeasureLatency() {
  const Place place;
  const auto upstream = StartSelf("upstream");
  const auto gateway = place.StartGateway(upstream->line(), "INFO");
  const auto echo = StartSelf("echo");
  Client to_gateway(gateway->Member("listen"));
  Client to_echo(echo->line());
  const int leads = absl::GetFlag(FLAGS_leads);
  std::vector<v1::BulkUpdateLeadsRequest> requests;
  for (int i = 0; i < 100; ++i)
    requests.push_back(NewRequest(i * leads, leads));
  const auto through = [&](Client& client) {
    return OpenLoop(absl::GetFlag(FLAGS_seconds), [&](int i, Signal& done) {
      new Rpc(client, requests[static_cast<size_t>(i) % requests.size()],
              [&done](int) { done.Set(); });
    });
  };
  Post post{Encode(NewLeads(0, leads)), ""};
  CURL* const easy = NewPost(UpdateUrl(upstream->line()), PostHeaders(), post);
  const auto direct = [&] {
    return OpenLoop(absl::GetFlag(FLAGS_seconds), [&](int, Signal& done) {
      post.answer.clear();
      if (curl_easy_perform(easy) != CURLE_OK) exit(1);
      done.Set();
    });
  };
  through(to_gateway);
  through(to_echo);
  direct();
  std::vector<double> all_gateway, all_echo, all_post, p50, p99;
  std::vector<std::vector<double>> a, b, c;
  InTurns([&] { a.push_back(through(to_gateway)); },
          [&] {
            b.push_back(through(to_echo));
            c.push_back(direct());
          });
  for (size_t i = 0; i < a.size(); ++i) {
    p50.push_back(Median(a[i]) / (Median(b[i]) + Median(c[i])));
    p99.push_back(Quantile(a[i], 0.99) /
                  (Quantile(b[i], 0.99) + Quantile(c[i], 0.99)));
    all_gateway.insert(all_gateway.end(), a[i].begin(), a[i].end());
    all_echo.insert(all_echo.end(), b[i].begin(), b[i].end());
    all_post.insert(all_post.end(), c[i].begin(), c[i].end());
  }
  printf("%d leads a request, %.0f requests/s, %d pairs of %.1f s\n", leads,
         absl::GetFlag(FLAGS_rate), absl::GetFlag(FLAGS_pairs),
         absl::GetFlag(FLAGS_seconds));
  for (const double q : {0.5, 0.99}) {
    printf("p%.0f ms: gateway %.3f, echo %.3f, POST %.3f; in all: %.3f\n",
           100 * q, Quantile(all_gateway, q), Quantile(all_echo, q),
           Quantile(all_post, q),
           Quantile(all_gateway, q) /
               (Quantile(all_echo, q) + Quantile(all_post, q)));
  }
  printf("gateway / (echo + POST): p50 %s, p99 %s\n",
         MedianWithInterval(p50).c_str(), MedianWithInterval(p99).c_str());
}

void MeasureMemory() {
  const Place place;
  const auto upstream = StartSelf("upstream");
  const auto gateway = place.StartGateway(upstream->line(), "INFO");
  const auto echo = StartSelf("echo");
  printf("resident MiB after so many leads:\n");
  for (const auto& [name, server, address] :
       {std::tuple("echo", echo.get(), echo->line()),
        std::tuple("gateway", gateway.get(), gateway->Member("listen"))}) {
    ClosedLoop loop(address);
    printf("%-8s start %.2f", name, server->ResidentMiB());
    double before = 0;
    for (const int64_t leads : {100'000, 250'000, 250'000, 250'000, 250'000}) {
      loop.Run(600, leads);
      absl::SleepFor(absl::Milliseconds(200));
      const double now = server->ResidentMiB();
      if (before == 0) before = now;
      printf("; %.2f", now);
      fflush(stdout);
    }
    printf("; grown by %.0f KiB\n", (server->ResidentMiB() - before) * 1024);
  }
  printf("gateway / echo: %.2f\n",
         gateway->ResidentMiB() / echo->ResidentMiB());
}

void MeasureStart() {
  const Place place;
  const auto upstream = StartSelf("upstream");
  std::vector<double> gateway_ms, echo_ms;
  const auto ms = [](const Child& child) {
    return std::chrono::duration<double, std::milli>(child.took()).count();
  };
  InTurns(
      [&] {
        gateway_ms.push_back(ms(*place.StartGateway(upstream->line(), "INFO")));
      },
      [&] { echo_ms.push_back(ms(*StartSelf("echo"))); });
  printf("ms from exec to serving: gateway p50 %.1f, p99 %.1f; echo p50 %.1f\n",
         Median(gateway_ms), Quantile(gateway_ms, 0.99), Median(echo_ms));
  printf("gateway / echo: %s\n",
         MedianWithInterval(Ratios(gateway_ms, echo_ms)).c_str());
}

void Scrape(const std::string& admin) {
  CURL* const easy = curl_easy_init();
  std::string text;
  const std::string url = absl::StrCat("http://", admin, "/metrics");
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &text);
  if (curl_easy_perform(easy) != CURLE_OK || text.empty()) exit(1);
  curl_easy_cleanup(easy);
}

void SetLogLevel(const std::string& admin, const std::string& level) {
  CURL* const easy = curl_easy_init();
  std::string text;
  const std::string url =
      absl::StrCat("http://", admin, "/loglevel?level=", level);
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &text);
  if (curl_easy_perform(easy) != CURLE_OK) exit(1);
  curl_easy_cleanup(easy);
}

// One process, whose log level is changed between the blocks: two would differ
// by more than what is measured.
void MeasureLogs() {
  const Place place;
  const auto upstream = StartSelf("upstream");
  const auto gateway = place.StartGateway(upstream->line(), "INFO");
  const std::string admin = gateway->Member("admin");
  ClosedLoop loop(gateway->Member("listen"));
  const double seconds = absl::GetFlag(FLAGS_seconds);
  loop.Run(seconds);
  std::vector<double> with_us, without_us;
  const auto run = [&](const std::string& level, std::vector<double>& us) {
    SetLogLevel(admin, level);
    const int64_t before = gateway->CpuNanos();
    if (level == "info") Scrape(admin);
    const ClosedLoop::Result result = loop.Run(seconds);
    us.push_back(static_cast<double>(gateway->CpuNanos() - before) * 1e-3 /
                 static_cast<double>(result.leads));
  };
  InTurns([&] { run("info", with_us); }, [&] { run("error", without_us); });
  printf("CPU us/lead: with %.3f, without %.3f\n", Median(with_us),
         Median(without_us));
  printf("with / without: %s\n",
         MedianWithInterval(Ratios(with_us, without_us)).c_str());
}

int Run() {
  const std::string role = absl::GetFlag(FLAGS_role);
  if (role == "upstream") ServeUpstream();
  if (role == "echo") ServeEcho();
  if (role == "posts") MakePosts();
  atexit([] {
    for (const pid_t pid : Running()) kill(pid, SIGKILL);
  });
  const std::string measure = absl::GetFlag(FLAGS_measure);
  if (measure == "cpu") {
    MeasureCpu();
  } else if (measure == "latency") {
    MeasureLatency();
  } else if (measure == "memory") {
    MeasureMemory();
  } else if (measure == "start") {
    MeasureStart();
  } else if (measure == "logs") {
    MeasureLogs();
  } else {
    fprintf(stderr, "--measure: unknown\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace leadgateway

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "What the gateway costs beside bare gRPC, bare libcurl and JSON alone.");
  absl::ParseCommandLine(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  return leadgateway::Run();
}
