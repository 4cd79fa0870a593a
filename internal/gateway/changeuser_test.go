package gateway

import (
	"testing"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Who tries to become somebody else in vain stays who it was, made new, and may not try for ever.
func TestChangeUserInVain(t *testing.T) {
	b := cluster(t)
	c := b.raw(t, "", wire.ClientProtocol41)
	c.ok(wire.AppendCommand(nil, wire.ComQuery, "SET @x = 5"))
	for i := range maxMisses + 1 {
		want := wire.ErBadDB
		if i == maxMisses {
			want = wire.ErUnknownCom
		}
		c.send(append([]byte{byte(wire.ComChangeUser)}, "root\x00\x00nowhere\x00"...))
		p, err := c.c.ReadPacket()
		if err == nil && p[0] == 0xfe { // to be authenticated by another plugin: the password is none
			if err = c.c.FinishPacket(c.c.StartPacket()); err == nil {
				err = c.c.Flush()
			}
			if err == nil {
				p, err = c.c.ReadPacket()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		e, err := wire.ParseError(p)
		if err != nil || e.Code != want {
			t.Fatalf("try %d: %v, %v; want error %d", i+1, e, err, want)
		}
	}
	if x := c.one("SELECT IFNULL(@x, 'none')"); x != "none" {
		t.Errorf("@x is %s", x)
	}
}
