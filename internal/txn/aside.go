package txn

import (
	"context"
	"fmt"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Aside is a connection with the session's account and settings that takes no part in its transaction: statements are staged there, since neither an XA branch nor a
// READ ONLY transaction may make temporary tables. A KILL of the session's statement reaches it.
type Aside struct {
	Conn *backend.Conn

	s      *Session
	place  Place
	ticket *backend.Conn // has the transaction that a ticket was written in
	doubt  bool          // a ticket may be valid still
}

// Aside lends a connection at a place that is no partition, whatever transaction is open. Done must follow.
func (s *Session) Aside(ctx context.Context, p Place) (*Aside, error) {
	w := s.Want(p)
	w.Variant |= backend.Variant(wire.ClientMultiResults) // MariaDB wants it for procedures that make their statements, and no packet differs for it
	c, err := s.pools.Get(ctx, w)
	if err != nil {
		return nil, err
	}
	c.ResetOnRelease()
	s.lend(c, p, false)
	return &Aside{Conn: c, s: s, place: p}, nil
}

// Ticket lets the connection have copies of tables made until EndTicket: package mariadb says what it is. It may be called while the connection is in use.
func (a *Aside) Ticket(ctx context.Context) error {
	c, err := a.s.pools.Get(ctx, backend.Want{Leaf: a.place.Leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		return err
	}
	a.ticket = c
	c.Queue("START TRANSACTION")
	_, err = c.Query(ctx, fmt.Sprintf("INSERT INTO orbweaver.tickets VALUES (%d)", a.Conn.Thread()))
	return err
}

// ticketTimeout bounds the taking back of a ticket.
const ticketTimeout = 10 * time.Second

// EndTicket takes the ticket back. Where it can't be known that it is gone Done closes the connection, and with it what the ticket is for. It may be called while the
// connection is in use.
func (a *Aside) EndTicket() error {
	c := a.ticket
	if c == nil {
		return nil
	}
	a.ticket = nil
	ctx, cancel := context.WithTimeout(context.Background(), ticketTimeout)
	defer cancel()
	_, err := c.Query(ctx, "ROLLBACK")
	if err != nil {
		a.doubt = true
		c.Discard()
	}
	c.Release()
	return err
}

// Done gives the connection back: its temporary tables go before anybody else uses it.
func (a *Aside) Done() {
	_ = a.EndTicket() // an error closes the connection
	a.s.takeBack(a.Conn)
	if a.doubt {
		a.Conn.Discard()
	}
	a.Conn.Release()
}
