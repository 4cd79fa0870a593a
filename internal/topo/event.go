package topo

// EventStatus is whether an event is run, as MariaDB calls it.
type EventStatus string

// The states of an event. The last one is what DISABLE ON SLAVE makes, and what every event is at the leaves: there none is ever run.
const (
	EventEnabled  EventStatus = "ENABLED"
	EventDisabled EventStatus = "DISABLED"
	EventOnSlave  EventStatus = "SLAVESIDE_DISABLED"
)

// Event is an event of a sharded database: statements that the cluster runs by itself, at times. It is in the shape of every leaf, where MariaDB judges and shows it, as one that is not to be run there.
type Event struct {
	DB   string `json:"db"`
	Name string `json:"name"`
	// ID is never reused: what is known of when the event was run goes by it. Version grows whenever it is altered.
	ID      uint64      `json:"id"`
	Version uint64      `json:"version"`
	Status  EventStatus `json:"status"`
	Definer string      `json:"definer"` // user@host
	// Body is what it does, in the bytes of the client that made it; Text the same in UTF-8, as it is shown.
	Body []byte `json:"body"`
	Text []byte `json:"text,omitempty"`
	// At is when it is run once; Starts, Ends, Every and Unit when it is run again and again. Times are in UTC, as DATETIME is written; "" for none.
	At     string `json:"at,omitempty"`
	Starts string `json:"starts,omitempty"`
	Ends   string `json:"ends,omitempty"`
	Every  string `json:"every,omitempty"` // a number of the units' last part: minutes of HOUR_MINUTE
	Unit   string `json:"unit,omitempty"`
	// Preserve: it stays, disabled, when it will not be run any more.
	Preserve bool   `json:"preserve,omitempty"`
	Comment  string `json:"comment,omitempty"`
	// What it is run under, of the session that made it. Collation is that of the database.
	SQLMode             string `json:"sql_mode"`
	TimeZone            string `json:"time_zone"`
	CharacterSet        string `json:"character_set_client"`
	CollationConnection string `json:"collation_connection"`
	Collation           string `json:"collation"`
	// Created and Modified are in seconds since 1970.
	Created  int64 `json:"created"`
	Modified int64 `json:"modified"`
}

// Event finds an event by the name that MariaDB keeps, which is looked for in another case, too; nil when the database or the event does not exist.
func (s *Snapshot) Event(db, name string) *Event {
	d := s.Databases[db]
	if d == nil {
		return nil
	}
	return d.Events[name]
}
