#include "gateway/leadsquared/credentials/credentials.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::leadsquared {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The shape of a real access key: "u$r" and 32 hexadecimal digits.
constexpr char kAccessKey[] = "u$r0123456789abcdef0123456789abcdef";
constexpr char kSecretKey[] = "fedcba9876543210fedcba9876543210fedcba98";

Credentials Keys(std::string access_key, std::string secret_key) {
  Credentials credentials;
  credentials.access_key = Secret(std::move(access_key));
  credentials.secret_key = Secret(std::move(secret_key));
  return credentials;
}

std::string Query(absl::string_view url, const Credentials& credentials) {
  return AppendCredentialQuery(url, credentials).Reveal();
}

class LoadCredentialsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = absl::StrCat(::testing::TempDir(), "/keys.XXXXXX");
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(absl::string_view name) const {
    return absl::StrCat(folder_, "/", name);
  }
  // A file that only its owner may read.
  std::string File(absl::string_view name, const std::string& content,
                   mode_t mode = 0600) const {
    const std::string path = Path(name);
    std::ofstream(path, std::ios::binary) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  // What loading says about a file with `content`.
  absl::Status Refusal(const std::string& content) const {
    return LoadCredentials(File("access", content), File("secret", kSecretKey))
        .status();
  }

  std::string folder_;
};

TEST_F(LoadCredentialsTest, KeysAreReadAndWhiteSpaceAroundThemIsNot) {
  const auto loaded = LoadCredentials(
      File("access", absl::StrCat(kAccessKey, "\n")),
      File("secret", absl::StrCat("\r\n \t", kSecretKey, "\r\n ")));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->access_key.Reveal(), kAccessKey);
  EXPECT_EQ(loaded->secret_key.Reveal(), kSecretKey);
  EXPECT_EQ(loaded->generation, 0);
  EXPECT_THAT(loaded->warnings, IsEmpty());
}

TEST_F(LoadCredentialsTest, ASymbolicLinkIsFollowed) {
  // Kubernetes mounts secrets like this.
  const std::string link = Path("link");
  ASSERT_EQ(symlink(File("access", kAccessKey).c_str(), link.c_str()), 0);
  const auto loaded = LoadCredentials(link, File("secret", kSecretKey));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->access_key.Reveal(), kAccessKey);
}

TEST_F(LoadCredentialsTest, AFileThatOthersMayReadEarnsAWarning) {
  const auto loaded = LoadCredentials(File("access", kAccessKey, 0640),
                                      File("secret", kSecretKey, 0604));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->warnings, ElementsAre(HasSubstr(Path("access")),
                                            HasSubstr(Path("secret"))));
  for (const std::string& warning : loaded->warnings) {
    EXPECT_THAT(warning, Not(HasSubstr(kAccessKey)));
    EXPECT_THAT(warning, Not(HasSubstr(kSecretKey)));
  }
}

TEST_F(LoadCredentialsTest, AnotherUsersFileMayBeReadableForItsGroupOnly) {
  // Kubernetes mounts secrets like this, for pods with an fsGroup.
  if (geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  constexpr uid_t kAnother = 65534;
  const std::string access = File("access", kAccessKey, 0440);
  const std::string secret = File("secret", kSecretKey, 0444);
  ASSERT_EQ(chown(access.c_str(), kAnother, getegid()), 0);
  ASSERT_EQ(chown(secret.c_str(), kAnother, getegid()), 0);
  const auto loaded = LoadCredentials(access, secret);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->warnings, ElementsAre(HasSubstr(Path("secret"))));
}

TEST_F(LoadCredentialsTest, AMissingFileIsNotFound) {
  const absl::Status status =
      LoadCredentials(Path("nothing"), File("secret", kSecretKey)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(Path("nothing")));
}

TEST_F(LoadCredentialsTest, ALinkToNothingIsNotFound) {
  const std::string link = Path("link");
  ASSERT_EQ(symlink(Path("nothing").c_str(), link.c_str()), 0);
  const absl::Status status =
      LoadCredentials(File("access", kAccessKey), link).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(link));
}

TEST_F(LoadCredentialsTest, ALinkToItselfIsUnreadable) {
  const std::string link = Path("link");
  ASSERT_EQ(symlink(link.c_str(), link.c_str()), 0);
  const absl::Status status =
      LoadCredentials(File("access", kAccessKey), link).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(link), HasSubstr("can't be read")));
}

TEST_F(LoadCredentialsTest, ADirectoryIsRefused) {
  const absl::Status status =
      LoadCredentials(folder_, File("secret", kSecretKey)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(folder_), HasSubstr("directory")));
}

TEST_F(LoadCredentialsTest, APipeIsRefusedAndNotWaitedFor) {
  const std::string pipe = Path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const absl::Status status =
      LoadCredentials(pipe, File("secret", kSecretKey)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("regular file"));
}

TEST_F(LoadCredentialsTest, AnEmptyFileIsRefused) {
  for (const char* const content : {"", "\n", " \t\r\n"}) {
    const absl::Status status = Refusal(content);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(Path("access")), HasSubstr("empty")));
  }
}

TEST_F(LoadCredentialsTest, AFileOfFourKibibytesIsTheLongest) {
  EXPECT_TRUE(Refusal(std::string(4096, 'k')).ok());
  for (const size_t size : {size_t{4097}, size_t{1} << 20}) {
    const absl::Status status = Refusal(std::string(size, 'k'));
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("4096"), Not(HasSubstr("kk"))));
  }
}

TEST_F(LoadCredentialsTest, GarbageWithinAKeyIsRefusedAndNotQuoted) {
  using namespace std::string_literals;
  for (const std::string& content :
       {"SEC RET"s, "SEC\nRET"s, "SEC\r\nRET"s, "SEC\tRET"s, "SEC\0RET"s,
        "SECRET\0"s, "SEC\x01RET"s, "SEC\x7fRET"s, "\xef\xbb\xbfSECRET"s,
        "SECR\xc3\x89T"s, "\0"s, std::string(100, '\xff')}) {
    const absl::Status status = Refusal(content);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(Path("access")), HasSubstr("one word"),
                      Not(HasSubstr("SEC")), Not(HasSubstr("RET"))));
  }
}

TEST_F(LoadCredentialsTest, BothFilesMistakesAreNamedAtOnce) {
  const absl::Status status =
      LoadCredentials(Path("nothing"), File("secret", "")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(Path("nothing")), HasSubstr(Path("secret"))));
}

TEST(CredentialHeadersTest, EachKeyIsAWholeLine) {
  const std::vector<Secret> lines =
      CredentialHeaders(Keys(kAccessKey, kSecretKey));
  ASSERT_EQ(lines.size(), 2);
  EXPECT_EQ(lines[0].Reveal(), absl::StrCat("x-LSQ-AccessKey: ", kAccessKey));
  EXPECT_EQ(lines[1].Reveal(), absl::StrCat("x-LSQ-SecretKey: ", kSecretKey));
}

TEST(AppendCredentialQueryTest, AllButUnreservedIsEncoded) {
  EXPECT_EQ(Query("https://h/p", Keys(kAccessKey, kSecretKey)),
            absl::StrCat("https://h/p?accessKey=u%24r0123456789abcdef0123456789"
                         "abcdef&secretKey=",
                         kSecretKey));
  EXPECT_EQ(Query("https://h/p", Keys("a%b&c+d=e/f?g#h", "-._~AZaz09\xc3")),
            "https://h/p?accessKey=a%25b%26c%2Bd%3De%2Ff%3Fg%23h&secretKey="
            "-._~AZaz09%C3");
}

TEST(AppendCredentialQueryTest, AQueryIsContinued) {
  const Credentials keys = Keys("a", "b");
  EXPECT_EQ(Query("https://h/p?x=1", keys),
            "https://h/p?x=1&accessKey=a&secretKey=b");
  EXPECT_EQ(Query("https://h/p?", keys), "https://h/p?accessKey=a&secretKey=b");
  EXPECT_EQ(Query("https://h/p?x=1&", keys),
            "https://h/p?x=1&accessKey=a&secretKey=b");
  EXPECT_EQ(Query("https://h/p#f?", keys),
            "https://h/p?accessKey=a&secretKey=b#f?");
}

}  // namespace
}  // namespace leadgateway::leadsquared
