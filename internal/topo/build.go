package topo

import "maps"

// Builder makes a new Snapshot from another one, which stays as it was. Objects given to a Builder belong to the snapshot from then on and must
// not be changed any more.
type Builder struct {
	leaves    map[string]*Leaf
	databases map[string]*Database
	schemas   map[string]PartitionID
	servers   map[string]*Server
	settings  Settings
	variables map[string]string
	// own names the databases whose Tables, Views, Events and Routines were copied for this builder.
	own map[string]bool
}

// NewBuilder starts from base; nil stands for an empty cluster.
func NewBuilder(base *Snapshot) *Builder {
	b := &Builder{own: map[string]bool{}, settings: DefaultSettings}
	if base != nil {
		b.settings, b.variables = base.Settings, base.Variables
		b.leaves, b.databases, b.schemas = maps.Clone(base.Leaves), maps.Clone(base.Databases), maps.Clone(base.Schemas)
		b.servers = base.Servers // cloned when one changes, which is seldom
	}
	if b.leaves == nil {
		b.leaves = map[string]*Leaf{}
	}
	if b.databases == nil {
		b.databases = map[string]*Database{}
	}
	if b.schemas == nil {
		b.schemas = map[string]PartitionID{}
	}
	return b
}

// PutSettings replaces the settings.
func (b *Builder) PutSettings(s Settings) { b.settings = s }

// PutVariables replaces what was set by SET GLOBAL; the map is the snapshot's from then on.
func (b *Builder) PutVariables(v map[string]string) { b.variables = v }

// PutServer adds or replaces a server.
func (b *Builder) PutServer(s *Server) {
	b.servers = maps.Clone(b.servers)
	if b.servers == nil {
		b.servers = map[string]*Server{}
	}
	b.servers[ServerKey(s.Name)] = s
}

// DropServer removes a server.
func (b *Builder) DropServer(name string) {
	b.servers = maps.Clone(b.servers)
	delete(b.servers, ServerKey(name))
}

// PutLeaf adds or replaces a leaf.
func (b *Builder) PutLeaf(l *Leaf) { b.leaves[l.Name] = l }

// DropLeaf removes a leaf.
func (b *Builder) DropLeaf(name string) { delete(b.leaves, name) }

// PutDatabase adds or replaces a database with its partitions. Its tables, views, events and routines are kept: those of d are not looked at.
func (b *Builder) PutDatabase(d *Database) {
	c := *d
	c.Tables, c.Views, c.Events, c.Routines = map[string]*Table{}, map[string]*View{}, map[string]*Event{}, map[string]*Routine{}
	if old := b.databases[d.Name]; old != nil {
		b.dropSchemas(old)
		maps.Copy(c.Tables, old.Tables)
		maps.Copy(c.Views, old.Views)
		maps.Copy(c.Events, old.Events)
		maps.Copy(c.Routines, old.Routines)
	}
	b.databases[d.Name] = &c
	b.own[d.Name] = true
	for _, p := range d.Partitions {
		b.schemas[p.ID.Schema()] = p.ID
	}
}

// DropDatabase removes a database with its tables.
func (b *Builder) DropDatabase(name string) {
	if old := b.databases[name]; old != nil {
		b.dropSchemas(old)
		delete(b.databases, name)
		delete(b.own, name)
	}
}

func (b *Builder) dropSchemas(d *Database) {
	for _, p := range d.Partitions {
		delete(b.schemas, p.ID.Schema())
	}
}

// PutTable adds or replaces a table; one whose database is not there is ignored.
func (b *Builder) PutTable(t *Table) {
	if d := b.owned(t.DB); d != nil {
		d.Tables[t.Name] = t
	}
}

// DropTable removes a table.
func (b *Builder) DropTable(db, name string) {
	if d := b.databases[db]; d != nil && d.Tables[name] != nil {
		delete(b.owned(db).Tables, name)
	}
}

// PutView adds or replaces a view; one whose database is not there is ignored.
func (b *Builder) PutView(v *View) {
	if d := b.owned(v.DB); d != nil {
		d.Views[v.Name] = v
	}
}

// DropView removes a view.
func (b *Builder) DropView(db, name string) {
	if d := b.databases[db]; d != nil && d.Views[name] != nil {
		delete(b.owned(db).Views, name)
	}
}

// PutEvent adds or replaces an event; one whose database is not there is ignored.
func (b *Builder) PutEvent(e *Event) {
	if d := b.owned(e.DB); d != nil {
		d.Events[e.Name] = e
	}
}

// DropEvent removes an event.
func (b *Builder) DropEvent(db, name string) {
	if d := b.databases[db]; d != nil && d.Events[name] != nil {
		delete(b.owned(db).Events, name)
	}
}

// PutRoutine adds or replaces a routine; one whose database is not there is ignored.
func (b *Builder) PutRoutine(r *Routine) {
	if d := b.owned(r.DB); d != nil {
		d.Routines[r.Key()] = r
	}
}

// DropRoutine removes a routine, which is given by its key in Database.Routines.
func (b *Builder) DropRoutine(db, key string) {
	if d := b.databases[db]; d != nil && d.Routines[key] != nil {
		delete(b.owned(db).Routines, key)
	}
}

func (b *Builder) owned(db string) *Database {
	d := b.databases[db]
	if d == nil || b.own[db] {
		return d
	}
	c := *d
	c.Tables, c.Views, c.Events, c.Routines = maps.Clone(d.Tables), maps.Clone(d.Views), maps.Clone(d.Events), maps.Clone(d.Routines)
	if c.Tables == nil {
		c.Tables = map[string]*Table{}
	}
	if c.Views == nil {
		c.Views = map[string]*View{}
	}
	if c.Events == nil {
		c.Events = map[string]*Event{}
	}
	if c.Routines == nil {
		c.Routines = map[string]*Routine{}
	}
	b.databases[db] = &c
	b.own[db] = true
	return &c
}

// Build gives the snapshot; the builder must not be used afterwards.
func (b *Builder) Build(revision int64) *Snapshot {
	return &Snapshot{
		Revision: revision, Leaves: b.leaves, Databases: b.databases, Schemas: b.schemas, Servers: b.servers, Settings: b.settings,
		Variables: b.variables,
	}
}
