// Updates leads from a CSV file whose header has the fields' schema names.
//
//	update_leads [-account NAME] [-search-by EmailAddress] [-timeout 30m] \
//	    [-ca FILE [-certificate FILE -key FILE]] HOST:PORT FILE
//
// Prints each lead that was not updated, and why. Exit status: 0 if all were
// updated, 1 if some were not or may not have been, 2 if the gateway refused them all.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "example.com/update_leads/leadgatewayv1"
)

// A copy of deploy/grpc/service_config.json: gRPC tries again what was not sent.
const serviceConfig = `{
  "methodConfig": [ {
    "name": [ { "service": "leadgateway.v1.LeadGatewayService" } ],
    "retryPolicy": {
      "maxAttempts": 4, "initialBackoff": "0.5s", "maxBackoff": "10s",
      "backoffMultiplier": 2, "retryableStatusCodes": [ "UNAVAILABLE" ] } } ],
  "retryThrottling": { "maxTokens": 10, "tokenRatio": 0.1 }
}`

const leadsPerRequest = 10_000

var (
	account     = flag.String("account", "", "the configured account; empty: the default one")
	searchBy    = flag.String("search-by", "EmailAddress", "the field that finds leads")
	timeout     = flag.Duration("timeout", 30*time.Minute, "for each request")
	ca          = flag.String("ca", "", "the gateway's authority; empty: plaintext")
	certificate = flag.String("certificate", "", "the client's certificate")
	key         = flag.String("key", "", "and its key")
)

func readLeads(path string) ([]*pb.Lead, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := csv.NewReader(file)
	header, err := reader.Read()
	if err != nil {
		return nil, err
	}
	var leads []*pb.Lead
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return leads, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := reader.FieldPos(0)
		lead := &pb.Lead{Tag: fmt.Sprintf("line %d", line)}
		for i, value := range row {
			lead.Fields = append(lead.Fields, &pb.LeadField{
				Attribute: header[i],
				Value:     &pb.LeadField_StringValue{StringValue: value},
			})
		}
		leads = append(leads, lead)
	}
}

// The ErrorInfo's reason, which programs decide by; the message is for people.
func reasonOf(s *rpcstatus.Status) string {
	for _, detail := range status.FromProto(s).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return ""
}

type updater struct {
	client pb.LeadGatewayServiceClient
	counts map[string]int
}

func (u *updater) end(lead *pb.Lead, outcome, why string) {
	u.counts[outcome]++
	if outcome != "UPDATED" {
		fmt.Printf("%s  %s  %s\n", lead.Tag, outcome, why)
	}
}

// One RPC. Returns the leads that certainly were not processed; an error if the
// gateway refused them as a whole.
func (u *updater) request(leads []*pb.Lead) ([]*pb.Lead, error) {
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	if *account != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "x-lead-account", *account)
	}
	stream, err := u.client.BulkUpdateLeads(ctx, &pb.BulkUpdateLeadsRequest{
		Account: *account, SearchByKey: *searchBy, Leads: leads,
	})
	if err != nil {
		return nil, err // the request did not leave
	}
	results := map[int32]*pb.LeadResult{}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			// The gateway itself says that it processed nothing.
			if len(results) == 0 && reasonOf(status.Convert(err).Proto()) != "" {
				return nil, err
			}
			// The stream broke. What it has not told of may have been sent.
			fmt.Fprintln(os.Stderr, err)
			break
		}
		for _, result := range message.Results {
			results[result.GetIndex()] = result
		}
	}
	var notSent []*pb.Lead
	for i, lead := range leads {
		result, told := results[int32(i)]
		switch {
		case !told:
			u.end(lead, "UNKNOWN", "no result")
		case result.Outcome == pb.Outcome_OUTCOME_NOT_SENT:
			notSent = append(notSent, lead)
		default:
			u.end(lead, strings.TrimPrefix(result.Outcome.String(), "OUTCOME_"),
				reasonOf(result.Status)+": "+result.GetStatus().GetMessage())
		}
	}
	return notSent, nil
}

func (u *updater) update(leads []*pb.Lead) error {
	until := time.Now().Add(*timeout)
	for {
		notSent, err := u.request(leads)
		if err != nil || len(notSent) == 0 {
			return err
		}
		if time.Now().After(until) {
			for _, lead := range notSent {
				u.end(lead, "NOT_SENT", "no time is left")
			}
			return nil
		}
		leads = notSent
		time.Sleep(time.Second)
	}
}

func transport() (credentials.TransportCredentials, error) {
	if *ca == "" {
		return insecure.NewCredentials(), nil
	}
	authority, err := os.ReadFile(*ca)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	if !config.RootCAs.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s: holds no certificate", *ca)
	}
	if *certificate != "" {
		pair, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}

func run() (map[string]int, error) {
	leads, err := readLeads(flag.Arg(1))
	if err != nil {
		return nil, err
	}
	creds, err := transport()
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(flag.Arg(0), grpc.WithTransportCredentials(creds),
		grpc.WithDefaultServiceConfig(serviceConfig))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	u := &updater{client: pb.NewLeadGatewayServiceClient(connection), counts: map[string]int{}}
	for len(leads) > 0 {
		count := min(len(leads), leadsPerRequest)
		if err := u.update(leads[:count]); err != nil {
			return nil, err
		}
		leads = leads[count:]
	}
	return u.counts, nil
}

func main() {
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: update_leads [FLAGS] HOST:PORT FILE")
		os.Exit(2)
	}
	counts, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var parts []string
	wrong := 0
	for outcome, count := range counts {
		parts = append(parts, fmt.Sprintf("%d %s", count, outcome))
		if outcome != "UPDATED" {
			wrong++
		}
	}
	sort.Strings(parts)
	fmt.Println(strings.Join(parts, ", "))
	if wrong > 0 {
		os.Exit(1)
	}
}
