#include "gateway/identity/caller.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/identity/identity.h"
#include "gateway/model/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::identity {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const Identity kCrm = {.uris = {"spiffe://td/ns/crm/sa/nightly"}};
const Identity kProxy = {.uris = {"spiffe://td/ns/edge/sa/proxy"}};
const Trust kAsks = {.verifies = true};
const Trust kSidecar = {.verifies = true, .local_peers = true};
const Trust kTrustsProxy = {.verifies = true,
                            .identities = {"spiffe://td/ns/edge/*"}};

Caller Found(const Peer& peer, const Trust& trust) {
  const absl::StatusOr<Caller> caller = FindCaller(peer, trust);
  EXPECT_TRUE(caller.ok()) << caller.status();
  return caller.value_or(Caller{});
}

TEST(FindCaller, TakesTheCertificateBeforeWhatTheCallerSays) {
  const Caller caller = Found({.address = "ipv4:10.0.0.7:4711",
                               .tls = true,
                               .certificate = kCrm,
                               .claimed = "spiffe://td/ns/billing/sa/x"},
                              kAsks);
  EXPECT_EQ(caller.name, "spiffe://td/ns/crm/sa/nightly");
  EXPECT_EQ(caller.source, Source::kCertificate);
  EXPECT_EQ(caller.identity, kCrm);
  EXPECT_TRUE(caller.tls);
}

TEST(FindCaller, TakesTheClaimWithoutACertificateAndTheAddressWithoutAClaim) {
  Peer peer = {.address = "ipv4:10.0.0.7:4711", .claimed = "nightly"};
  EXPECT_EQ(Found(peer, {}).name, "nightly");
  EXPECT_EQ(Found(peer, {}).source, Source::kClaim);
  for (const std::string& claim :
       {std::string(), std::string(129, 'x'), std::string("a\nb")}) {
    peer.claimed = claim;
    EXPECT_EQ(Found(peer, {}).name, "10.0.0.7");
    EXPECT_EQ(Found(peer, {}).source, Source::kAddress);
  }
  peer.claimed.reset();
  EXPECT_EQ(Found(peer, {}).name, "10.0.0.7");
}

TEST(FindCaller, AClaimNeverPassesForAnIdentity) {
  const Caller caller =
      Found({.address = "ipv4:10.0.0.7:4711", .claimed = kCrm.uris[0]}, kAsks);
  EXPECT_EQ(caller.name, "unverified:spiffe://td/ns/crm/sa/nightly");
  EXPECT_FALSE(IsAllowed(caller, {kCrm.uris[0]}, kAsks));
  EXPECT_FALSE(IsAllowed(caller, {"*"}, kAsks));
  EXPECT_FALSE(IsAllowed(caller, {"unverified:*"}, kAsks));
  EXPECT_TRUE(IsAllowed(caller, {}, kAsks));
}

TEST(FindCaller, BelievesAForwardedCertificateOfASidecarOnly) {
  Peer peer = {
      .address = "ipv4:127.0.0.1:4711",
      .forwarded = "By=spiffe://td/gw;URI=spiffe://td/ns/crm/sa/nightly"};
  for (const char* const local :
       {"ipv4:127.0.0.1:4711", "ipv4:127.9.9.9:1", "ipv6:[::1]:4711",
        "ipv6:%5B::1%5D:4711", "unix:", "unix:/run/gateway.sock"}) {
    peer.address = local;
    const Caller caller = Found(peer, kSidecar);
    EXPECT_EQ(caller.name, "spiffe://td/ns/crm/sa/nightly") << local;
    EXPECT_EQ(caller.source, Source::kForwardedCertificate);
    EXPECT_TRUE(caller.tls);
    EXPECT_FALSE(caller.forwarded_ignored);
  }
  for (const char* const other :
       {"ipv4:10.0.0.7:4711", "ipv6:[2001:db8::1]:4711", "ipv4:12.7.0.0:1",
        "ipv6:[::ffff:10.0.0.7]:1", "", "127.0.0.1:1"}) {
    peer.address = other;
    const Caller caller = Found(peer, kSidecar);
    EXPECT_NE(caller.source, Source::kForwardedCertificate) << other;
    EXPECT_TRUE(caller.identity.empty());
    EXPECT_TRUE(caller.forwarded_ignored);
  }
  // Nobody is trusted unless the configuration says so.
  peer.address = "ipv4:127.0.0.1:4711";
  EXPECT_TRUE(Found(peer, kAsks).forwarded_ignored);
  EXPECT_EQ(Found(peer, kAsks).name, "127.0.0.1");
}

TEST(FindCaller, BelievesAForwardedCertificateOfANamedProxyOnly) {
  Peer peer = {.address = "ipv4:10.0.0.7:4711",
               .tls = true,
               .certificate = kProxy,
               .forwarded = "URI=spiffe://td/ns/crm/sa/nightly"};
  EXPECT_EQ(Found(peer, kTrustsProxy).identity, kCrm);
  // Without the header the proxy speaks for itself.
  peer.forwarded.reset();
  EXPECT_EQ(Found(peer, kTrustsProxy).identity, kProxy);
  peer.forwarded = "";
  EXPECT_EQ(Found(peer, kTrustsProxy).identity, kProxy);
  // Another one can't speak for anybody else.
  peer.certificate = {.uris = {"spiffe://td/ns/web/sa/x"}};
  peer.forwarded = "URI=spiffe://td/ns/crm/sa/nightly";
  EXPECT_EQ(Found(peer, kTrustsProxy).name, "spiffe://td/ns/web/sa/x");
  EXPECT_TRUE(Found(peer, kTrustsProxy).forwarded_ignored);
}

TEST(FindCaller, TakesTheLastOfAChainThatIsNoTrustedProxy) {
  Peer peer = {.address = "unix:"};
  const Trust trust = {.verifies = true,
                       .local_peers = true,
                       .identities = {"spiffe://td/ns/edge/*"}};
  peer.forwarded = "URI=spiffe://td/admin,URI=spiffe://td/ns/crm/sa/nightly";
  EXPECT_EQ(Found(peer, trust).identity, kCrm);
  peer.forwarded =
      "URI=spiffe://td/admin,URI=spiffe://td/ns/crm/sa/nightly,"
      "URI=spiffe://td/ns/edge/sa/proxy,URI=spiffe://td/ns/edge/sa/proxy";
  EXPECT_EQ(Found(peer, trust).identity, kCrm);
  // Nobody in front of it: the proxy itself.
  peer.forwarded = "URI=spiffe://td/ns/edge/sa/proxy";
  EXPECT_EQ(Found(peer, trust).identity, kProxy);
}

TEST(FindCaller, AForwardedCertificateWithoutANameIsNobodys) {
  const Caller caller = Found({.address = "ipv4:10.0.0.7:4711",
                               .tls = true,
                               .certificate = kProxy,
                               .forwarded = "By=spiffe://td/gw;Hash=1",
                               .claimed = "nightly"},
                              kTrustsProxy);
  EXPECT_TRUE(caller.identity.empty());
  EXPECT_EQ(caller.name, "unverified:nightly");
  EXPECT_FALSE(IsAllowed(caller, {"spiffe://td/ns/edge/*"}, kTrustsProxy));
}

TEST(FindCaller, RefusesWhatATrustedProxyForwardsUnreadably) {
  Peer peer = {.address = "unix:", .forwarded = "URI=a,Subject=\"CN=b"};
  const absl::Status status = FindCaller(peer, kSidecar).status();
  EXPECT_TRUE(absl::IsUnauthenticated(status));
  EXPECT_EQ(errors::ReasonNameOf(status), "IDENTITY_UNREADABLE");
  EXPECT_THAT(status.message(), HasSubstr("a quote is not closed at byte"));
  // Of others nobody looks at it.
  EXPECT_TRUE(Found(peer, kAsks).forwarded_ignored);
}

TEST(IsAllowed, ComparesIdentitiesWithPatterns) {
  const Caller crm =
      Found({.address = "unix:", .tls = true, .certificate = kCrm}, kAsks);
  EXPECT_TRUE(IsAllowed(crm, {"spiffe://td/ns/crm/sa/nightly"}, kAsks));
  EXPECT_TRUE(IsAllowed(crm, {"CN=x", "spiffe://td/ns/crm/*"}, kAsks));
  EXPECT_TRUE(IsAllowed(crm, {"*"}, kAsks));
  EXPECT_FALSE(IsAllowed(crm, {"spiffe://td/ns/web/*", "crm"}, kAsks));
}

TEST(IsAllowed, SortsHonestCallersWhereNobodyIsVerified) {
  const Caller nightly =
      Found({.address = "ipv4:10.0.0.7:1", .claimed = "nightly"}, {});
  EXPECT_TRUE(IsAllowed(nightly, {"nightly"}, {}));
  EXPECT_TRUE(IsAllowed(nightly, {"night*"}, {}));
  EXPECT_FALSE(IsAllowed(nightly, {"billing"}, {}));
  // A claim that looks like an identity opens nothing there either.
  const Caller liar =
      Found({.address = "ipv4:10.0.0.7:1", .claimed = kCrm.uris[0]}, {});
  EXPECT_FALSE(IsAllowed(liar, {kCrm.uris[0], "spiffe://*", "*"}, {}));
  const Caller address = Found({.address = "ipv4:10.0.0.7:1"}, {});
  EXPECT_TRUE(IsAllowed(address, {"10.0.0.*"}, {}));
}

TEST(Forbidden, NamesWhoTheCallerIsTakenForAndWhatWouldHelp) {
  const absl::Status by_certificate = Forbidden(
      "acme",
      Found({.address = "unix:", .tls = true, .certificate = kCrm}, kAsks),
      kAsks);
  EXPECT_EQ(errors::ReasonNameOf(by_certificate), "ACCOUNT_FORBIDDEN");
  EXPECT_EQ(by_certificate.message(),
            "caller \"spiffe://td/ns/crm/sa/nightly\" (known by its "
            "certificate) may not use account \"acme\": the account's "
            "allowedCallers do not name it");

  Peer peer = {.address = "ipv4:10.0.0.7:4711"};
  EXPECT_THAT(Forbidden("acme", Found(peer, kAsks), kAsks).message(),
              AllOf(HasSubstr("\"10.0.0.7\" (known by its address)"),
                    HasSubstr("it must show a certificate"),
                    Not(HasSubstr("x-forwarded-client-cert"))));
  peer.forwarded = "URI=spiffe://td/ns/crm/sa/nightly";
  EXPECT_THAT(Forbidden("acme", Found(peer, kAsks), kAsks).message(),
              AllOf(HasSubstr("x-forwarded-client-cert is not believed"),
                    Not(HasSubstr("spiffe"))));
}

TEST(PeerHost, TakesTheHostOfAPeer) {
  EXPECT_EQ(PeerHost("ipv4:10.0.0.7:4711"), "10.0.0.7");
  EXPECT_EQ(PeerHost("ipv6:[::1]:4711"), "::1");
  EXPECT_EQ(PeerHost("ipv6:%5B2001:db8::1%5D:4711"), "2001:db8::1");
  EXPECT_EQ(PeerHost("unix:/run/gateway.sock"), "unix:/run/gateway.sock");
  EXPECT_EQ(PeerHost("unix:"), "unix:");
  EXPECT_EQ(PeerHost("ipv4:10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(PeerHost(""), "unknown");
  EXPECT_EQ(PeerHost(std::string(1'000, 'x')).size(), kLongestName);
}

}  // namespace
}  // namespace leadgateway::identity
