package main

import (
	"net"
	"time"

	"github.com/orbweaver/orbweaver/internal/faultproxy"
)

// wires are all that connects the processes: one proxy for each leaf, which is the address that the catalog knows, and one for each pair of node and
// member of etcd. A leaf's proxy knows who connects, so that one wire can be cut alone: a node's to a leaf, or a replica's to its master.
type wires struct {
	leaves map[string]*faultproxy.Proxy
	etcd   map[string]map[string]*faultproxy.Proxy // by node, by member
	// follow: single commands to leaves can be stopped.
	follow bool
}

func newWires() *wires {
	return &wires{leaves: map[string]*faultproxy.Proxy{}, etcd: map[string]map[string]*faultproxy.Proxy{}}
}

// pids tells the processes that may connect to a leaf, by their names.
type pids func() map[string]int

func (w *wires) addLeaf(name, target string, who pids) error {
	start := faultproxy.StartNamed
	if w.follow {
		start = faultproxy.StartMySQL
	}
	p, err := start(target, func(client net.Conn) string { return owner(client, who()) })
	if err != nil {
		return err
	}
	w.leaves[name] = p
	return nil
}

func (w *wires) addEtcd(node, member, target string) error {
	p, err := faultproxy.Start(target)
	if err != nil {
		return err
	}
	if w.etcd[node] == nil {
		w.etcd[node] = map[string]*faultproxy.Proxy{}
	}
	w.etcd[node][member] = p
	return nil
}

// cut drops what from and to say to each other, silently. to "*" are all that from talks with.
func (w *wires) cut(from, to string) { w.each(from, to, true) }

// heal ends a cut of the same names.
func (w *wires) heal(from, to string) { w.each(from, to, false) }

func (w *wires) each(from, to string, cut bool) {
	from1 := func(p *faultproxy.Proxy, name string) {
		if cut {
			p.BlackHoleFrom(name)
		} else {
			p.HealFrom(name)
		}
	}
	all := func(p *faultproxy.Proxy) {
		if cut {
			p.BlackHole()
		} else if err := p.Heal(); err != nil { // nothing that is only a black hole fails to heal
			panic(err)
		}
	}
	for name, p := range w.leaves {
		switch {
		case to == "*" && name == from:
			all(p)
		case to == "*" || name == to:
			from1(p, from)
		case name == from:
			from1(p, to)
		}
	}
	for member, p := range w.etcd[from] {
		if to == "*" || to == "etcd" || to == member {
			all(p)
		}
	}
}

// severing is how often connections are ended while they are severed.
const severing = 150 * time.Millisecond

// sever ends a node's connections to a leaf, again and again until heal: whatever they carry, at whatever step of it.
func (w *wires) sever(node, leaf string) (heal func()) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			w.leaves[leaf].ResetFrom(node)
			select {
			case <-time.After(severing):
			case <-stop:
				return
			}
		}
	}()
	return func() { close(stop); <-ended }
}

func (w *wires) close() {
	for _, p := range w.leaves {
		p.Close()
	}
	for _, m := range w.etcd {
		for _, p := range m {
			p.Close()
		}
	}
}
