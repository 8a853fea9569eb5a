// A peer: grpc-go alone, with a handler that takes and gives bytes as they are. It prints its address as one line of JSON.
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
)

// raw takes the place of the Protobuf codec.
type raw struct{}

func (raw) Name() string                          { return "proto" }
func (raw) Marshal(v interface{}) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func main() {
	answer, err := base64.StdEncoding.DecodeString(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	check := func(_ interface{}, _ context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
		var request []byte
		if err := decode(&request); err != nil {
			return nil, err
		}
		return &answer, nil
	}
	encoding.RegisterCodec(raw{})
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "availability.v1.AvailabilityService",
		HandlerType: (*interface{})(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Check", Handler: check}},
	}, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"address\":%q}\n", listener.Addr().String())
	log.Fatal(server.Serve(listener))
}
