package localfarm

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// Free ports come from below the range that kernels take for outgoing connections: a leaf that is started again finds its port free.
const (
	freeFrom = 20000
	freeTo   = 32000
)

// FreePorts chooses n free ports of this machine's, for programs that are to find them free again whenever they are started. release gives them back.
func FreePorts(n int) (ports []int, release func(), err error) { return takePorts(0, n) }

// takePorts chooses n ports. Free ones are reserved by locks until release is called, since farms of parallel tests choose too.
func takePorts(base, n int) (ports []int, release func(), err error) {
	if base != 0 {
		for i := range n {
			p := base + i
			if p > 65535 {
				return nil, nil, &ConfigError{"leaf port base", fmt.Sprintf("%d leaves need ports up to %d", n, base+n-1)}
			}
			if err := canListen(p); err != nil {
				return nil, nil, &ConfigError{"leaf port " + strconv.Itoa(p), err.Error()}
			}
			ports = append(ports, p)
		}
		return ports, func() {}, nil
	}
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("orbweaver-ports-%d", os.Geteuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	var locks []*os.File
	release = func() {
		for _, f := range locks {
			f.Close()
		}
	}
	start := freeFrom + rand.IntN(freeTo-freeFrom)
	for i := 0; i < freeTo-freeFrom && len(ports) < n; i++ {
		p := freeFrom + (start-freeFrom+i)%(freeTo-freeFrom)
		f, err := tryLock(filepath.Join(dir, strconv.Itoa(p)))
		if err != nil {
			continue
		}
		if canListen(p) != nil {
			f.Close()
			continue
		}
		locks = append(locks, f)
		ports = append(ports, p)
	}
	if len(ports) < n {
		release()
		return nil, nil, fmt.Errorf("fewer than %d free ports between %d and %d", n, freeFrom, freeTo)
	}
	return ports, release, nil
}

func canListen(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return l.Close()
}
