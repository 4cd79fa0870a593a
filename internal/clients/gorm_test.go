package clients

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	driver "gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

// Customer, Purchase, Item, Tag are models as applications have them: soft deletion, has many, belongs to, many to many, indexes, checks, embedded structs.
type Customer struct {
	gorm.Model
	Name      string  `gorm:"size:80;not null;index:by_name,priority:1"`
	Email     *string `gorm:"size:120;index"`
	Country   string  `gorm:"type:char(2);default:CH;index:by_name,priority:2"`
	Balance   float64 `gorm:"type:decimal(12,2);check:balance_is_sane,balance > -1000"`
	Address   Address `gorm:"embedded;embeddedPrefix:address_"`
	Purchases []Purchase
	Tags      []Tag `gorm:"many2many:customer_tags"`
}

type Address struct {
	Street string
	Zip    string `gorm:"size:10"`
}

type Purchase struct {
	ID         uint64 `gorm:"primaryKey"`
	CustomerID uint   `gorm:"index"`
	Customer   Customer
	At         time.Time `gorm:"precision:6"`
	Paid       bool
	Items      []Item
	Extra      []byte
	Notes      map[string]any `gorm:"serializer:json"`
}

type Item struct {
	ID         uint64 `gorm:"primaryKey"`
	PurchaseID uint64 `gorm:"index"`
	What       string `gorm:"type:varchar(50);comment:what was bought"`
	Amount     int    `gorm:"default:1"`
}

type Tag struct {
	Name  string `gorm:"primaryKey;size:40"`
	Color string
}

// setting has a key of several columns.
type setting struct {
	Owner uint   `gorm:"primaryKey;autoIncrement:false"`
	Name  string `gorm:"primaryKey;size:40"`
	Value string
}

// laterTag is Tag a version later: a column more, another one changed, an index.
type laterTag struct {
	Name    string `gorm:"primaryKey;size:40"`
	Color   string `gorm:"size:20;index"`
	Meaning string `gorm:"type:text"`
	Rank    int    `gorm:"not null;default:5"`
}

func (laterTag) TableName() string { return "tags" }

// GORM with its own migrator, by prepared statements and with parameters put into the text.
func TestGORM(t *testing.T) {
	for _, interpolate := range []bool{true, false} {
		t.Run(fmt.Sprintf("interpolate=%v", interpolate), func(t *testing.T) {
			same(t, "gorm_db", 100, func(s site) (string, error) { return useGORM(t, s, interpolate) })
		})
	}
}

func useGORM(t *testing.T, s site, interpolate bool) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cfg := config(s, interpolate)
	cfg.Params = nil
	cfg.Loc = time.UTC
	start := time.Date(2024, 5, 17, 8, 0, 0, 0, time.UTC)
	db, err := gorm.Open(driver.New(driver.Config{DSNConfig: cfg, DSN: cfg.FormatDSN()}), &gorm.Config{
		Logger: logger.Discard, PrepareStmt: !interpolate, NowFunc: func() time.Time { return start }, DisableForeignKeyConstraintWhenMigrating: true, TranslateError: false,
	})
	if err != nil {
		return "", err
	}
	pool, err := db.DB()
	if err != nil {
		return "", err
	}
	defer pool.Close()
	db = db.WithContext(ctx)
	o := &transcript{}
	g := gormer{o}
	models := []any{&Customer{}, &Purchase{}, &Item{}, &Tag{}, &setting{}}
	for range 2 { // the second time there is nothing to do
		g.done("migrate", db.AutoMigrate(models...))
	}
	m := db.Migrator()
	g.schema(db, models...)

	mail := "ada@example.org"
	ada := Customer{Name: "Ada", Email: &mail, Country: "NO", Balance: 12.5, Address: Address{"Main St", "1000"},
		Purchases: []Purchase{
			{At: start, Paid: true, Items: []Item{{What: "lamp"}, {What: "chair", Amount: 4}}, Extra: []byte{0, 255, '\''}, Notes: map[string]any{"ü": []any{1.5, nil}}},
			{At: start.Add(1500 * time.Microsecond)},
		},
		Tags: []Tag{{"good", "green"}, {"new", "blue"}}}
	g.done("create", db.Create(&ada))
	o.show(ada.ID, ada.Purchases[0].ID, ada.Purchases[1].ID, ada.Purchases[0].Items[1].ID)
	more := []Customer{{Name: "Grace", Balance: 5}, {Name: "Edsger", Tags: []Tag{{"good", "green"}}}, {Name: "Žofie 😀", Country: "CZ"}}
	g.done("create several", db.Create(&more))
	o.show(more[0].ID, more[1].ID, more[2].ID)
	var many []setting
	for i := range 25 {
		many = append(many, setting{uint(i % 5), fmt.Sprintf("name %d", i), "v"})
	}
	g.done("in batches", db.CreateInBatches(many, 10))
	g.done("duplicate", db.Create(&setting{0, "name 0", "w"}))
	g.done("upsert", db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&setting{0, "name 0", "w"}))
	g.done("do nothing", db.Clauses(clause.OnConflict{DoNothing: true}).Create(&setting{0, "name 0", "x"}))
	g.done("check", db.Create(&Customer{Name: "poor", Balance: -5000}))

	var c Customer
	g.done("first", db.First(&c, "name = ?", "Ada"))
	g.customer(&c)
	c = Customer{}
	g.done("preload", db.Preload("Purchases", func(d *gorm.DB) *gorm.DB { return d.Order("purchases.id") }).Preload("Purchases.Items", func(d *gorm.DB) *gorm.DB { return d.Order("items.id") }).Preload("Tags", func(d *gorm.DB) *gorm.DB { return d.Order("tags.name") }).First(&c, ada.ID))
	g.customer(&c)
	c = Customer{}
	o.show("not found", errors.Is(db.First(&c, 9999).Error, gorm.ErrRecordNotFound))
	var list []Customer
	g.done("find", db.Where("balance >= ? AND country IN ?", 0, []string{"CH", "NO"}).Or(&Customer{Name: "Žofie 😀"}).Order("name").Limit(3).Find(&list))
	for i := range list {
		g.customer(&list[i])
	}
	var sums []struct {
		Country string
		N       int
		Total   float64
	}
	g.done("group", db.Model(&Customer{}).Select("country, COUNT(*) AS n, SUM(balance) AS total").Group("country").Having("COUNT(*) > ?", 0).Order("country").Scan(&sums))
	o.show(sums)
	var n int64
	g.done("count", db.Model(&setting{}).Distinct("owner").Count(&n))
	o.show(n)
	var names []string
	g.done("pluck", db.Model(&Customer{}).Order("id").Pluck("name", &names))
	o.show(names)
	seen := 0
	g.done("batches", db.Order("owner, name").FindInBatches(&many, 7, func(tx *gorm.DB, batch int) error { seen += len(many); return nil }))
	o.show(seen)

	g.done("update", db.Model(&c).Where("id = ?", ada.ID).Updates(map[string]any{"balance": gorm.Expr("balance + ?", 1), "address_zip": "2000"}))
	g.done("update all", db.Model(&Customer{}).Where("1 = 1").Update("country", "XX"))
	ada.Name = "Ada L."
	g.done("save", db.Omit(clause.Associations).Save(&ada))
	g.done("delete softly", db.Delete(&Customer{}, more[0].ID))
	g.done("count", db.Model(&Customer{}).Count(&n))
	o.show(n)
	g.done("count all", db.Unscoped().Model(&Customer{}).Count(&n))
	o.show(n)
	g.done("delete", db.Unscoped().Delete(&Customer{}, more[0].ID))
	g.done("delete many", db.Where("name LIKE ?", "name 1%").Delete(&setting{}))
	g.done("append", db.Model(&more[1]).Association("Tags").Append(&Tag{"odd", "red"}))
	o.show(db.Model(&more[1]).Association("Tags").Count())
	g.done("replace", db.Model(&more[1]).Association("Tags").Replace(&Tag{"new", "blue"}))
	o.show(db.Model(&more[1]).Association("Tags").Count())
	var joined []Purchase
	g.done("joins", db.Joins("Customer").Where("Customer.name LIKE ?", "Ada%").Order("purchases.id").Find(&joined))
	for _, p := range joined {
		o.show(p.ID, p.Customer.Name, p.Customer.Address)
	}
	g.done("subquery", db.Where("id IN (?)", db.Model(&Purchase{}).Select("customer_id").Where("paid = ?", true)).Order("id").Find(&list))
	o.show(len(list))

	failed := errors.New("the program's own")
	err = db.Transaction(func(tx *gorm.DB) error {
		g.done("in a transaction", tx.Create(&[]Tag{{"t1", ""}, {"t2", ""}, {"t3", ""}}))
		g.done("nested", tx.Transaction(func(tx *gorm.DB) error {
			g.done("nested create", tx.Create(&Tag{"t4", ""}))
			return failed
		}))
		g.done("count", tx.Model(&Tag{}).Count(&n))
		o.show(n)
		return failed
	})
	o.show(errors.Is(err, failed))
	g.done("transaction", db.Transaction(func(tx *gorm.DB) error {
		g.done("lock", tx.Clauses(clause.Locking{Strength: "UPDATE"}).First(&c, ada.ID))
		return tx.Create(&[]Tag{{"t1", ""}, {"t2", ""}, {"t3", ""}}).Error
	}))
	g.done("count", db.Model(&Tag{}).Count(&n))
	o.show(n)
	var tags []Tag
	g.done("raw", db.Raw("SELECT t.name, t.color FROM tags t WHERE t.name > @from ORDER BY t.name", map[string]any{"from": "g"}).Scan(&tags))
	o.show(tags)
	g.done("exec", db.Exec("UPDATE tags SET color = ? WHERE name IN ?", "grey", []string{"t1", "t2"}))

	// A version later.
	for range 2 {
		g.done("migrate again", db.AutoMigrate(&laterTag{}))
	}
	g.schema(db, &laterTag{})
	g.done("add index", m.CreateIndex(&Customer{}, "by_name"))
	g.done("drop index", m.DropIndex(&Customer{}, "by_name"))
	g.done("index", m.CreateIndex(&Customer{}, "by_name"))
	g.done("rename index", m.RenameIndex(&Customer{}, "by_name", "by_nom"))
	o.show(m.HasIndex(&Customer{}, "by_name"), m.HasIndex(&Customer{}, "by_nom"), m.HasIndex(&Customer{}, "Email"))
	o.show(m.HasConstraint(&Customer{}, "balance_is_sane"))
	g.done("drop constraint", m.DropConstraint(&Customer{}, "balance_is_sane"))
	o.show(m.HasConstraint(&Customer{}, "balance_is_sane"))
	g.done("constraint", m.CreateConstraint(&Customer{}, "balance_is_sane"))
	o.show(m.HasConstraint(&Customer{}, "balance_is_sane"))
	g.done("rename column", m.RenameColumn(&Tag{}, "color", "hue"))
	o.show(m.HasColumn(&Tag{}, "color"), m.HasColumn(&Tag{}, "hue"), m.HasTable("tags"), m.HasTable("nothing"))
	g.done("drop column", m.DropColumn(&laterTag{}, "meaning"))
	g.done("alter column", m.AlterColumn(&laterTag{}, "Rank"))
	g.done("rename table", m.RenameTable("settings", "options"))
	tables, err := m.GetTables()
	o.show(tables, err == nil, m.CurrentDatabase())
	g.done("drop tables", m.DropTable("customer_tags", "items", "purchases", "customers", "tags", "options"))
	o.WriteString(last)
	return o.String(), nil
}

// gormer prints what GORM says.
type gormer struct{ o *transcript }

// done prints how something has ended: a *gorm.DB, or an error.
func (g gormer) done(what string, how any) {
	switch v := how.(type) {
	case *gorm.DB:
		if v.Error != nil {
			g.o.show(what, v.Error)
			return
		}
		g.o.show(what, v.RowsAffected)
	case error:
		g.o.show(what, v)
	default:
		g.o.show(what, "done")
	}
}

func (g gormer) customer(c *Customer) {
	email := "nil"
	if c.Email != nil {
		email = *c.Email
	}
	g.o.show(c.ID, c.CreatedAt.Format(time.RFC3339Nano), c.DeletedAt.Valid, c.Name, email, c.Country, c.Balance, c.Address)
	for _, p := range c.Purchases {
		g.o.show("  purchase", p.ID, p.At.Format(time.RFC3339Nano), p.Paid, p.Extra, fmt.Sprint(p.Notes))
		for _, i := range p.Items {
			g.o.show("    item", i)
		}
	}
	for _, t := range c.Tags {
		g.o.show("  tag", t)
	}
}

// schema prints what the migrator sees of tables.
func (g gormer) schema(db *gorm.DB, models ...any) {
	m := db.Migrator()
	for _, model := range models {
		columns, err := m.ColumnTypes(model)
		if err != nil {
			g.o.show(err)
		}
		for _, c := range columns {
			kind, _ := c.ColumnType()
			primary, _ := c.PrimaryKey()
			auto, _ := c.AutoIncrement()
			unique, _ := c.Unique()
			def, has := c.DefaultValue()
			comment, _ := c.Comment()
			null, _ := c.Nullable()
			length, _ := c.Length()
			precision, scale, _ := c.DecimalSize()
			g.o.show(c.Name(), kind, primary, auto, unique, def, has, comment, null, length, precision, scale)
		}
		indexes, err := m.GetIndexes(model)
		if err != nil {
			g.o.show(err)
		}
		for _, i := range indexes {
			primary, _ := i.PrimaryKey()
			unique, _ := i.Unique()
			g.o.show("  index", i.Table(), i.Name(), i.Columns(), primary, unique)
		}
	}
}
