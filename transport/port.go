package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"
)

// port is one number, taken for TCP and for UDP.
type port struct {
	tcp net.Listener
	udp *net.UDPConn
}

// portTries bounds the search for a number that is free for both.
const portTries = 50

// bind takes listen's port for both. With port 0 the system picks one for TCP, and
// picks again while somebody else has that number for UDP.
func bind(ctx context.Context, listen string) (*port, error) {
	host, number, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", listen, err)
	}
	for try := 1; ; try++ {
		p, err := bindOnce(ctx, host, number)
		if err == nil {
			return p, nil
		}
		if number != "0" || try == portTries || !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("listen on %s: %w", listen, err)
		}
	}
}

func bindOnce(ctx context.Context, host, number string) (*port, error) {
	config := net.ListenConfig{KeepAlive: 30 * time.Second}
	tcp, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, number))
	if err != nil {
		return nil, err
	}
	taken := tcp.Addr().(*net.TCPAddr).Port
	udp, err := config.ListenPacket(ctx, "udp", net.JoinHostPort(host, strconv.Itoa(taken)))
	if err != nil {
		return nil, errors.Join(err, tcp.Close())
	}
	return &port{tcp: tcp, udp: udp.(*net.UDPConn)}, nil
}

func (p *port) close() error { return errors.Join(p.tcp.Close(), p.udp.Close()) }
