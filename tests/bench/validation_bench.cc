// What checking and converting a request costs, in time and in allocations.
//
//   bazel run --config=opt //tests/bench:validation_bench
//
// Requests are validated in batches, and made and thrown away while the clock
// stands: validation takes their texts out, so each one can be used once.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/schema/field_catalogue.h"
#include "gateway/validation/request_validator.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace {

std::atomic<int64_t> allocations{0};

void* Allocate(size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(size_t bytes) { return Allocate(bytes); }
void* operator new[](size_t bytes) { return Allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace leadgateway {
namespace {

constexpr int kLeads = 25;
constexpr int kFields = 10;
// So many that starting and stopping the clock is lost among them, and so few
// that they stay in the second-level cache.
constexpr int kBatch = 16;

schema::FieldInfo FieldOf(std::string name, std::string type,
                          int max_length = 0) {
  schema::FieldInfo field;
  field.schema_name = std::move(name);
  field.data_type = std::move(type);
  field.max_length = max_length;
  return field;
}

// As many fields as accounts have, and a long list of options.
std::shared_ptr<const schema::FieldCatalogue> Account() {
  std::vector<schema::FieldInfo> fields = {
      FieldOf("EmailAddress", "Email", 200),
      FieldOf("FirstName", "Text", 100),
      FieldOf("Phone", "Phone", 50),
      FieldOf("mx_Street", "Text", 200),
      FieldOf("mx_Employees", "Number"),
      FieldOf("mx_Revenue", "Number"),
      FieldOf("mx_Newsletter", "Boolean"),
      FieldOf("mx_Date_Of_Birth", "Date"),
      FieldOf("mx_Last_Seen", "DateTime"),
      FieldOf("mx_Next_Visit", "DateTime"),
      FieldOf("ProspectStage", "Select", 50),
  };
  fields[0].unique = true;
  for (int i = 0; i < 300; ++i) {
    fields.back().options.push_back(absl::StrCat("Stage ", i));
  }
  for (int i = 0; i < 170; ++i) {
    fields.push_back(FieldOf(absl::StrCat("mx_Custom_Field_", i), "Text", 200));
  }
  auto catalogue =
      schema::FieldCatalogue::Create(std::move(fields), {}, absl::UnixEpoch());
  return catalogue.ok() ? *std::move(catalogue) : nullptr;
}

v1::LeadField* AddField(v1::Lead& lead, const char* attribute) {
  v1::LeadField* const field = lead.add_fields();
  field->set_attribute(attribute);
  return field;
}

// 25 leads of 10 fields of every type.
v1::BulkUpdateLeadsRequest TypedLeads() {
  v1::BulkUpdateLeadsRequest request;
  request.set_search_by_key("EmailAddress");
  for (int i = 0; i < kLeads; ++i) {
    v1::Lead& lead = *request.add_leads();
    lead.set_tag(absl::StrCat("row ", i));
    AddField(lead, "EmailAddress")
        ->set_string_value(absl::StrCat("someone", i, "@example.com"));
    AddField(lead, "FirstName")->set_string_value("Annapurna");
    AddField(lead, "Phone")->set_string_value("+91-9988776655");
    AddField(lead, "mx_Employees")->set_int64_value(12'345 + i);
    AddField(lead, "mx_Revenue")->set_double_value(1'250'000.75 + i);
    AddField(lead, "mx_Newsletter")->set_bool_value(i % 2 == 0);
    google::type::Date& born =
        *AddField(lead, "mx_Date_Of_Birth")->mutable_date_value();
    born.set_year(1992);
    born.set_month(2);
    born.set_day(29);
    AddField(lead, "mx_Last_Seen")
        ->mutable_timestamp_value()
        ->set_seconds(1'709'210'096 + i);
    AddField(lead, "mx_Next_Visit")
        ->set_string_value("2024-03-01T04:00:00+05:30");
    AddField(lead, "ProspectStage")
        ->set_string_value(absl::StrCat("Stage ", i * 7));
  }
  return request;
}

// The same as a CSV file brings them: all strings.
v1::BulkUpdateLeadsRequest TextLeads() {
  v1::BulkUpdateLeadsRequest request = TypedLeads();
  const char* const texts[kFields] = {
      nullptr, nullptr,      nullptr, "12345", "1250000.75",
      "true",  "1992-02-29", nullptr, nullptr, nullptr,
  };
  for (v1::Lead& lead : *request.mutable_leads()) {
    for (int i = 0; i < kFields; ++i) {
      if (texts[i] != nullptr)
        lead.mutable_fields(i)->set_string_value(texts[i]);
    }
    lead.mutable_fields(7)->set_string_value("2024-02-29 12:34:56");
  }
  return request;
}

// The same with the fields of every second lead the other way round.
v1::BulkUpdateLeadsRequest ShuffledLeads() {
  v1::BulkUpdateLeadsRequest request = TypedLeads();
  for (int i = 1; i < kLeads; i += 2) {
    auto& fields = *request.mutable_leads(i)->mutable_fields();
    for (int j = 0; j < kFields / 2; ++j) {
      fields.SwapElements(j, kFields - 1 - j);
    }
  }
  return request;
}

// The same with a mistake in each lead: a name that is nearly one.
v1::BulkUpdateLeadsRequest MistakenLeads() {
  v1::BulkUpdateLeadsRequest request = TypedLeads();
  for (v1::Lead& lead : *request.mutable_leads()) {
    lead.mutable_fields(3)->set_attribute("mx_Employes");
  }
  return request;
}

void BM_ValidateRequest(benchmark::State& state,
                        v1::BulkUpdateLeadsRequest (*make)(),
                        size_t expected_leads) {
  const std::shared_ptr<const schema::FieldCatalogue> catalogue = Account();
  const v1::BulkUpdateLeadsRequest model = make();
  validation::ValidationOptions options;
  options.catalogue = catalogue.get();
  int64_t requests = 0;
  int64_t allocated = 0;
  std::vector<v1::BulkUpdateLeadsRequest> batch;
  std::vector<absl::StatusOr<validation::ValidatedRequest>> validated;
  validated.reserve(kBatch);
  while (state.KeepRunningBatch(kBatch)) {
    state.PauseTiming();
    validated.clear();
    batch.assign(kBatch, model);
    const int64_t before = allocations.load(std::memory_order_relaxed);
    state.ResumeTiming();
    for (v1::BulkUpdateLeadsRequest& request : batch) {
      validated.push_back(validation::ValidateRequest(request, options));
    }
    state.PauseTiming();
    allocated += allocations.load(std::memory_order_relaxed) - before;
    requests += kBatch;
    for (const auto& one : validated) {
      if (!one.ok() || one->leads.size() != expected_leads) {
        state.SkipWithError("not validated as it should be");
        return;
      }
    }
    state.ResumeTiming();
  }
  state.counters["allocations/field"] =
      static_cast<double>(allocated) /
      static_cast<double>(requests * kLeads * kFields);
  state.counters["allocations/lead"] =
      static_cast<double>(allocated) / static_cast<double>(requests * kLeads);
  state.counters["leads/s"] = benchmark::Counter(
      static_cast<double>(requests * kLeads), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(BM_ValidateRequest, typed, TypedLeads, kLeads)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_ValidateRequest, strings, TextLeads, kLeads)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_ValidateRequest, in_another_order, ShuffledLeads, kLeads)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_ValidateRequest, each_lead_mistaken, MistakenLeads, 0)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace leadgateway

BENCHMARK_MAIN();
