#include "gateway/server/catalogue_loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/schema/field_catalogue.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/field_catalogue.h"

namespace leadgateway::server {
namespace {

using Catalogue = std::shared_ptr<const schema::FieldCatalogue>;

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr uid_t kNobody = 65534;

class CatalogueLoaderTest : public ::testing::Test {
 protected:
  CatalogueLoaderTest() {
    directory_ = absl::StrCat(::testing::TempDir(), "/fieldsXXXXXX");
    EXPECT_NE(mkdtemp(directory_.data()), nullptr);
    path_ = directory_ + "/fields.json";
  }
  ~CatalogueLoaderTest() override {
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all);
    std::filesystem::remove_all(directory_);
  }

  void Write(absl::string_view text) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  absl::StatusOr<Catalogue> Load() { return LoadCatalogue(path_, {}); }
  Catalogue Loaded(absl::string_view text) {
    Write(text);
    auto catalogue = Load();
    EXPECT_TRUE(catalogue.ok()) << catalogue.status();
    return catalogue.ok() ? *std::move(catalogue) : nullptr;
  }
  // What it says after the file's name, which it must begin with.
  std::string Refusal() {
    const absl::Status status = Load().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    const std::string text(status.message());
    EXPECT_THAT(text, StartsWith(path_ + " "));
    return text.size() <= path_.size() ? "" : text.substr(path_.size() + 1);
  }
  std::string RefusalOf(absl::string_view text) {
    Write(text);
    return Refusal();
  }

  std::string directory_;
  std::string path_;
};

std::string RealMetadata() {
  return sandbox::FieldCatalogue::RealAccount().MetadataJson(
      "", /*exclude_options=*/false, /*with_unique=*/true);
}

TEST_F(CatalogueLoaderTest, AFileOfARealShapeIsReadWhole) {
  const Catalogue catalogue = Loaded(RealMetadata());
  EXPECT_GE(catalogue->fields().size(), 140);
  EXPECT_TRUE(catalogue->Find("EmailAddress")->unique);
  EXPECT_FALSE(catalogue->Find("ProspectStage")->options.empty());
}

TEST_F(CatalogueLoaderTest, OddShapesThatAccountsHaveAreRead) {
  std::string options;
  for (int i = 0; i < 5'000; ++i) {
    absl::StrAppend(&options, i == 0 ? "" : ",", R"({"Value":"Option )", i,
                    R"("})");
  }
  const Catalogue catalogue = Loaded(absl::StrCat(
      R"([{"SchemaName":"mx_Numbers_As_Strings","MaxLength":"200",)"
      R"("RangeMin":"-1.5","IsMandatory":"1","LockAfterCreate":"0",)"
      R"("CreatedOn":"/Date(1417453996000+0000)/","Unheard_Of":{"a":[1,{}]}},)"
      R"({"SchemaName":"mx_Select_Without_Options","DataType":"Select"},)"
      R"({"SchemaName":"mx_Select_Null","DataType":"Select","Options":null},)"
      R"({"SchemaName":"mx_Many","DataType":"Select","Options":[)",
      options,
      R"(]},{"SchemaName":"mx_Twice","DisplayName":"first"},)"
      R"({"SchemaName":"mx_Twice","DisplayName":"second"},)"
      R"({"DisplayName":"without a name"}])"));
  EXPECT_THAT(catalogue->fields(), SizeIs(5));
  EXPECT_EQ(catalogue->Find("mx_Numbers_As_Strings")->max_length, 200);
  EXPECT_TRUE(catalogue->Find("mx_Numbers_As_Strings")->mandatory);
  EXPECT_FALSE(catalogue->Find("mx_Numbers_As_Strings")->read_only);
  for (const char* name : {"mx_Select_Without_Options", "mx_Select_Null"}) {
    const schema::FieldInfo& field = *catalogue->Find(name);
    EXPECT_THAT(field.options, IsEmpty());
    EXPECT_TRUE(catalogue->HasOption(field, "anything"));
  }
  const schema::FieldInfo& many = *catalogue->Find("mx_Many");
  EXPECT_THAT(many.options, SizeIs(5'000));
  EXPECT_TRUE(catalogue->HasOption(many, "Option 4999"));
  EXPECT_FALSE(catalogue->HasOption(many, "Option 5000"));
  EXPECT_EQ(catalogue->Find("mx_Twice")->display_name, "first");
  EXPECT_EQ(catalogue->duplicates(), 1);
}

TEST_F(CatalogueLoaderTest, TheFilesTimeStandsForTheAnswers) {
  Write(R"([{"SchemaName":"A"}])");
  const absl::Time written = absl::FromUnixSeconds(1'700'000'000);
  const timespec stamp = absl::ToTimespec(written);
  const timespec both[2] = {stamp, stamp};
  ASSERT_EQ(utimensat(AT_FDCWD, path_.c_str(), both, 0), 0);
  EXPECT_EQ((*Load())->fetched_at(), written);
}

TEST_F(CatalogueLoaderTest, UniqueFieldsOfTheAccountAreUnique) {
  Write(R"([{"SchemaName":"A"},{"SchemaName":"B"}])");
  auto catalogue = LoadCatalogue(path_, {"B"});
  ASSERT_TRUE(catalogue.ok());
  EXPECT_EQ((*catalogue)->UniqueNames(), std::vector<std::string>{"B"});
}

TEST_F(CatalogueLoaderTest, WhatIsNoFieldListIsRefusedWithThePlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "it is empty"},
      {" \n", "it is empty"},
      {"[]", "no fields"},
      {"[{}]", "no fields"},
      {"{}", "it is no array of fields"},
      {R"({"Status":"Error","ExceptionMessage":"value"})",
       "it is no array of fields"},
      {"<html><body>value</body></html>", ""},
      {"null", "it is no array of fields"},
      {"value", ""},
      {R"([{"SchemaName":"A"},{"SchemaName":7}])", "field 2, near byte "},
      {R"([{"SchemaName":"A"},{"SchemaName":"B","MaxLength":"value"}])",
       "field 2, near byte "},
      {R"([{"SchemaName":"A"},{"SchemaName":"B"},"value"])",
       "field 3, near byte "},
      {R"([{"SchemaName":"A"}]value)", "near byte "},
      {R"([{"SchemaName":"A"}],["value"])",
       "near byte 20: something stands behind the end"},
  };
  for (const auto& [text, expected] : cases) {
    const std::string refusal = RefusalOf(text);
    EXPECT_THAT(refusal, StartsWith("is no saved field list: the metadata is "
                                    "not readable: "))
        << text;
    EXPECT_THAT(refusal, HasSubstr(expected)) << text;
    EXPECT_THAT(refusal, Not(HasSubstr("value"))) << text;
  }
  EXPECT_THAT(RefusalOf(absl::string_view("[{\"SchemaName\":\"A\0\"}]", 21)),
              HasSubstr("byte 17: a NUL"));
}

TEST_F(CatalogueLoaderTest, AFileThatIsCutShortAnywhereIsRefused) {
  // Each kilobyte of a real one, and each byte at its end.
  const std::string whole = RealMetadata();
  ASSERT_NE(Loaded(whole), nullptr);
  for (size_t size = 0;
       size<whole.size(); size += whole.size() - size> 1'100 ? 1'009 : 1) {
    EXPECT_THAT(RefusalOf(absl::string_view(whole).substr(0, size)),
                StartsWith("is no saved field list: "))
        << size;
  }
}

TEST_F(CatalogueLoaderTest, WhatCannotBeReadIsToldInTheSystemsWords) {
  EXPECT_EQ(Refusal(), "can't be opened: No such file or directory");
  ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
  EXPECT_EQ(Refusal(), "is a directory, and no file");
  ASSERT_EQ(rmdir(path_.c_str()), 0);
  ASSERT_EQ(symlink(path_.c_str(), path_.c_str()), 0);
  EXPECT_EQ(Refusal(), "can't be opened: Too many levels of symbolic links");
  ASSERT_EQ(unlink(path_.c_str()), 0);
  // Nobody writes into it.
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(Refusal(), "is no file");
  ASSERT_EQ(unlink(path_.c_str()), 0);
  Write("[]");
  const std::string below = path_ + "/x";
  EXPECT_EQ(LoadCatalogue(below, {}).status().message(),
            below + " can't be opened: Not a directory");
  ASSERT_EQ(truncate(path_.c_str(), (32 << 20) + 1), 0);
  EXPECT_EQ(Refusal(), "is larger than 32 MiB");
}

TEST_F(CatalogueLoaderTest, AFileOrDirectoryWithoutPermissionIsToldAsThat) {
  Write("[]");
  // Root may read everything, so it becomes somebody else.
  const bool root = geteuid() == 0;
  ASSERT_EQ(chmod(path_.c_str(), 0), 0);
  if (root) {
    ASSERT_EQ(seteuid(kNobody), 0);
  }
  EXPECT_EQ(Refusal(), "can't be opened: Permission denied");
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  ASSERT_EQ(chmod(path_.c_str(), 0644), 0);
  ASSERT_EQ(chmod(directory_.c_str(), 0600), 0);
  if (root) {
    ASSERT_EQ(seteuid(kNobody), 0);
  }
  EXPECT_EQ(Refusal(), "can't be opened: Permission denied");
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
}

}  // namespace
}  // namespace leadgateway::server
