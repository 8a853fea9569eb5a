// Asks a running service as a Go program would, with nothing but grpc-go and what protoc made of the protos.
//
// stdin: one JSON object with the address and the requests; stdout: one JSON object with the answers, all in ProtoJSON.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	availabilityv1 "agentavailability/availability/v1"

	oldproto "github.com/golang/protobuf/proto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

type script struct {
	Address                                   string
	Configure, Check, Watch, Invalid, Unknown json.RawMessage
}

type answers struct {
	Configured json.RawMessage   `json:"configured"`
	Checked    json.RawMessage   `json:"checked"`
	Watched    []json.RawMessage `json:"watched"`
	Invalid    refusal           `json:"invalid"`
	Unknown    refusal           `json:"unknown"`
}

type refusal struct {
	Code    uint32 `json:"code"`
	Message string `json:"message"`
	Status  []byte `json:"status"`
}

// codec lets a grpc-go that was written for the first Go API of Protobuf carry messages of the second.
type codec struct{}

func (codec) Name() string { return "proto" }
func (codec) Marshal(message interface{}) ([]byte, error) {
	return proto.Marshal(message.(proto.Message))
}
func (codec) Unmarshal(data []byte, message interface{}) error {
	return proto.Unmarshal(data, message.(proto.Message))
}

func main() {
	var asked script
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	connection, err := grpc.DialContext(ctx, asked.Address, grpc.WithInsecure(), grpc.WithBlock(),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{})))
	must(err)
	defer connection.Close()
	service := availabilityv1.NewAvailabilityServiceClient(connection)

	configured, err := service.Configure(ctx, parse(asked.Configure, &availabilityv1.ConfigureRequest{}).(*availabilityv1.ConfigureRequest))
	must(err)
	checked, err := service.Check(ctx, parse(asked.Check, &availabilityv1.CheckRequest{}).(*availabilityv1.CheckRequest))
	must(err)
	watched := watchUntilSynced(ctx, service, parse(asked.Watch, &availabilityv1.WatchRequest{}).(*availabilityv1.WatchRequest))
	_, invalid := service.Configure(ctx, parse(asked.Invalid, &availabilityv1.ConfigureRequest{}).(*availabilityv1.ConfigureRequest))
	_, unknown := service.Check(ctx, parse(asked.Unknown, &availabilityv1.CheckRequest{}).(*availabilityv1.CheckRequest))

	must(json.NewEncoder(os.Stdout).Encode(answers{
		Configured: print(configured),
		Checked:    print(checked),
		Watched:    watched,
		Invalid:    refused(invalid),
		Unknown:    refused(unknown),
	}))
}

func watchUntilSynced(ctx context.Context, service availabilityv1.AvailabilityServiceClient, request *availabilityv1.WatchRequest) []json.RawMessage {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := service.Watch(ctx, request)
	must(err)
	var events []json.RawMessage
	for {
		event, err := stream.Recv()
		must(err)
		events = append(events, print(event))
		if event.GetSynced() != nil {
			return events
		}
	}
}

func refused(err error) refusal {
	if err == nil {
		log.Fatal("Cannot compare refusals: the service answered")
	}
	bytes, failure := oldproto.Marshal(status.Convert(err).Proto())
	must(failure)
	return refusal{Code: uint32(status.Code(err)), Message: status.Convert(err).Message(), Status: bytes}
}

func parse(text json.RawMessage, message proto.Message) proto.Message {
	must(protojson.Unmarshal(text, message))
	return message
}

func print(message proto.Message) json.RawMessage {
	text, err := protojson.Marshal(message)
	must(err)
	return text
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
