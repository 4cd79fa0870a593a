package ddl

import (
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// readEvents takes over the saved events. Their texts name the databases that they did.
func (x *restore) readEvents() error {
	seen := map[string]bool{}
	for _, e := range x.saved.Events {
		if seen[e.Name] || len(e.Body) == 0 || !plainWord.MatchString(e.CharacterSet) || !plainWord.MatchString(e.CollationConnection) || !plainWord.MatchString(e.Collation) || (e.At == "") == (e.Starts == "") {
			return refuse(1033, "HY000", "The backup of database '%s' can't be used: the definition of event '%s' is not one", x.saved.Name, e.Name)
		}
		seen[e.Name] = true
		c := *e
		c.DB, c.Version = x.saved.Name, 1
		if e.At != "" && e.Status == topo.EventEnabled {
			at, err := time.Parse(time.DateTime, e.At)
			if err != nil {
				return refuse(1033, "HY000", "The backup of database '%s' can't be used: the time of event '%s' is none", x.saved.Name, e.Name)
			}
			if at.Before(time.Now()) {
				if !e.Preserve {
					continue
				}
				c.Status = topo.EventDisabled
			}
		}
		x.events = append(x.events, &c)
	}
	return nil
}
