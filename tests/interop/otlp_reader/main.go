// Reads files of OTLP JSON lines as OpenTelemetry's collector does and prints a
// line for each span: name, trace, span, parent, links.
package main

import (
	"bufio"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

func main() {
	reader := ptrace.JSONUnmarshaler{}
	for _, path := range os.Args[1:] {
		file, err := os.Open(path)
		if err != nil {
			panic(err)
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			traces, err := reader.UnmarshalTraces(lines.Bytes())
			if err != nil {
				panic(err)
			}
			for _, resource := range traces.ResourceSpans().All() {
				service, _ := resource.Resource().Attributes().Get("service.name")
				for _, scope := range resource.ScopeSpans().All() {
					for _, span := range scope.Spans().All() {
						fmt.Print(service.Str(), " ", span.Kind(), " ", span.Name(), " ", span.TraceID(), " ", span.SpanID(), " ",
							span.ParentSpanID(), " ", span.EndTimestamp().AsTime().Sub(span.StartTimestamp().AsTime()))
						for _, link := range span.Links().All() {
							fmt.Print(" ", link.TraceID(), "-", link.SpanID())
						}
						fmt.Println()
					}
				}
			}
		}
	}
}
