# A Django application: its own migrations, those of Django's parts, and what the ORM makes of queries.
import datetime
import decimal
import io
import sys
import types

import pymysql

host, port, db = sys.argv[1], int(sys.argv[2]), sys.argv[3]
pymysql.version_info = (2, 1, 1, "final", 0)
pymysql.install_as_MySQLdb()

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.mysql", "NAME": db, "USER": "root", "HOST": host, "PORT": port,
                           "OPTIONS": {"charset": "utf8mb4", "init_command": "SET default_storage_engine=INNODB, sql_mode='STRICT_TRANS_TABLES'"}}},
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages", "shop"],
    TEMPLATES=[], SECRET_KEY="x", USE_TZ=True, TIME_ZONE="UTC", DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
)
shop = types.ModuleType("shop")
shop.__path__ = ["/nonexistent/shop"]
shop.__file__ = "/nonexistent/shop/__init__.py"
sys.modules["shop"] = shop
django.setup()

from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Avg, Case, Count, Exists, F, Max, Min, OuterRef, Prefetch, Q, Subquery, Sum, Value, When, Window
from django.db.models.functions import Coalesce, Concat, Extract, Length, Lower, RowNumber, TruncMonth, Upper


class Base(models.Model):
    class Meta:
        app_label = "shop"
        abstract = True


class Customer(Base):
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80, db_index=True)
    referrer = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)
    born = models.DateField(null=True)
    extra = models.JSONField(default=dict)


class Product(Base):
    sku = models.SlugField(unique=True)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    tags = models.ManyToManyField("Tag")


class Tag(Base):
    word = models.CharField(max_length=20, unique=True)


class Order(Base):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="orders")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    paid = models.BooleanField(default=False)

    class Meta(Base.Meta):
        abstract = False
        unique_together = [("customer", "number")]
        indexes = [models.Index(fields=["at", "paid"])]
        constraints = [models.CheckConstraint(check=Q(number__gt=0), name="number_positive")]


class Line(Base):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    amount = models.IntegerField()


class Profile(Base):
    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, primary_key=True)
    note = models.TextField(blank=True)
    ratio = models.FloatField(default=0.5)
    took = models.DurationField(default=datetime.timedelta(seconds=90))
    key = models.UUIDField(default="00000000-0000-0000-0000-000000000001")
    blob = models.BinaryField(default=b"\x00\xff")


def say(label, value):
    print(label + ":", value)


out = io.StringIO()
call_command("migrate", verbosity=1, stdout=out, run_syncdb=True)
for line in out.getvalue().splitlines():
    print(line)
with connection.schema_editor() as editor:
    for m in (Tag, Customer, Product, Order, Line, Profile):
        if m._meta.db_table not in connection.introspection.table_names():
            editor.create_model(m)
with connection.cursor() as cursor:
    for t in sorted(connection.introspection.table_names(cursor)):
        say(t, [(c.name, c.type_code, c.null_ok) for c in connection.introspection.get_table_description(cursor, t)])
        say(" relations", sorted(connection.introspection.get_relations(cursor, t).items()))
        say(" constraints", sorted((sorted(v["columns"]), v["primary_key"], v["unique"], v["foreign_key"], v["index"]) for v in connection.introspection.get_constraints(cursor, t).values()))
        say(" sequences", connection.introspection.get_sequences(cursor, t))

u = User.objects.create_user("ada", "ada@example.com", "secret")
g = Group.objects.create(name="staff")
g.permissions.set(Permission.objects.filter(content_type__app_label="shop"))
u.groups.add(g)
say("permissions", sorted(u.get_all_permissions()))
say("has", u.has_perm("shop.add_order"))

t0 = datetime.datetime(2024, 1, 15, 10, 30, 0, 123456, tzinfo=datetime.timezone.utc)
people = Customer.objects.bulk_create([Customer(email="c%d@example.com" % i, name="Name %d" % (i % 5), born=datetime.date(1970 + i, 1, 1) if i % 3 else None,
                                                extra={"n": i, "s": ["a", None]}) for i in range(1, 21)])
people = list(Customer.objects.order_by("email"))
for i, c in enumerate(people):
    if i % 4 == 0:
        c.referrer = people[i - 1]
        c.save()
tags = [Tag.objects.create(word=w) for w in ("red", "green", "blue", "Ünï")]
products = []
for i in range(1, 9):
    p = Product.objects.create(sku="sku-%d" % i, price=decimal.Decimal("9.95") * i)
    p.tags.set(tags[: i % 5])
    products.append(p)
for i, c in enumerate(people):
    for n in range(1, i % 4 + 1):
        o = Order.objects.create(customer=c, number=n, at=t0 + datetime.timedelta(days=40 * n, hours=i), paid=bool(n % 2))
        Line.objects.bulk_create([Line(order=o, product=products[(i + n + k) % 8], amount=k + 1) for k in range(n)])
Profile.objects.create(customer=people[0], note="näïve")

say("count", [m.objects.count() for m in (Customer, Product, Tag, Order, Line, Profile)])
say("join", list(Order.objects.select_related("customer", "customer__referrer").order_by("customer__email", "number").values_list("customer__email", "customer__referrer__email", "number", "at")[:10]))
say("aggregate", Line.objects.aggregate(Sum("amount"), Avg("amount"), Max("product__price"), n=Count("order", distinct=True)))
say("annotate", [(c.email, c.n, c.total) for c in Customer.objects.annotate(n=Count("orders", distinct=True), total=Sum(F("orders__lines__amount") * F("orders__lines__product__price"), output_field=models.DecimalField())).filter(n__gt=1).order_by("-total", "email")])
say("subquery", list(Customer.objects.annotate(last=Subquery(Order.objects.filter(customer=OuterRef("pk")).order_by("-at").values("number")[:1])).order_by("email").values_list("email", "last")))
say("exists", list(Product.objects.filter(Exists(Line.objects.filter(product=OuterRef("pk"), amount__gte=3))).order_by("sku").values_list("sku", flat=True)))
say("exclude", list(Customer.objects.exclude(orders__paid=True).order_by("email").values_list("email", flat=True)))
say("m2m", [(p.sku, sorted(t.word for t in p.tags.all())) for p in Product.objects.prefetch_related(Prefetch("tags", Tag.objects.filter(word__icontains="e"))).order_by("sku")])
say("case", list(Order.objects.annotate(k=Case(When(paid=True, then=Value("p")), default=Value("u"))).values("k").annotate(n=Count("*")).order_by("k")))
say("window", list(Order.objects.annotate(r=Window(RowNumber(), partition_by=[F("customer")], order_by=F("at").desc())).order_by("customer__email", "r").values_list("customer__email", "r", "number")[:12]))
say("union", list(Customer.objects.filter(name="Name 1").values_list("email").union(Customer.objects.filter(name="Name 2").values_list("email")).order_by("email")))
say("dates", list(Order.objects.annotate(m=TruncMonth("at")).values("m").annotate(n=Count("id")).order_by("m")))
say("extract", list(Order.objects.annotate(h=Extract("at", "hour")).order_by("customer__email", "number").values_list("h", flat=True)[:5]))
say("json", [Customer.objects.filter(extra__n=3).count(), Customer.objects.filter(extra__s__contains="a").count(), Customer.objects.filter(extra__has_key="n").count()])
say("text", list(Customer.objects.annotate(x=Concat(Upper("name"), Value("/"), Lower("email"), output_field=models.TextField()), l=Length("email")).filter(name__istartswith="name", email__regex="^c1").order_by("email").values_list("x", "l")))
say("null", [Customer.objects.filter(born__isnull=True).count(), Customer.objects.filter(born__year=1975).count(), list(Customer.objects.annotate(b=Coalesce("born", datetime.date(2000, 1, 1))).order_by("b", "email").values_list("b", flat=True)[:3])])
say("range", Order.objects.filter(at__range=(t0, t0 + datetime.timedelta(days=60))).count())
say("in", Order.objects.filter(customer__in=Customer.objects.filter(name__in=["Name 1", "Name 3"])).count())
say("raw", [c.email for c in Customer.objects.raw("SELECT * FROM shop_customer WHERE name = %s ORDER BY email", ["Name 4"])])
say("distinct", list(Line.objects.values_list("product__sku", flat=True).distinct().order_by("product__sku")))
say("update", Product.objects.filter(tags__word="green").update(price=F("price") + 1))
say("update fk", Order.objects.filter(customer__name="Name 1").update(paid=True))
say("prices", list(Product.objects.order_by("sku").values_list("price", flat=True)))
say("get_or_create", [Tag.objects.get_or_create(word="red")[1], Tag.objects.get_or_create(word="new")[1]])
say("update_or_create", Product.objects.update_or_create(sku="sku-1", defaults={"price": 5})[1])
say("ignore", [len(Tag.objects.bulk_create([Tag(word="red"), Tag(word="newer")], ignore_conflicts=True)), Tag.objects.count()])
people[3].name = "changed"
people[4].name = "changed, too"
Customer.objects.bulk_update(people[3:5], ["name"])
say("bulk_update", list(Customer.objects.filter(name__startswith="changed").order_by("email").values_list("name", flat=True)))
for label, what in (("unique", lambda: Tag.objects.create(word="red")), ("unique together", lambda: Order.objects.create(customer=people[1], number=1, at=t0)),
                    ("foreign key", lambda: Line.objects.create(order_id=10**6, product=products[0], amount=1)), ("check", lambda: Order.objects.create(customer=people[0], number=0, at=t0))):
    try:
        with transaction.atomic():
            what()
        say(label, "done")
    except Exception as e:
        say(label, (type(e).__name__, e.args[0]))
try:
    with transaction.atomic():
        Tag.objects.create(word="outer")
        try:
            with transaction.atomic():
                Tag.objects.create(word="inner")
                Tag.objects.create(word="inner")
        except IntegrityError:
            say("inner", sorted(Tag.objects.values_list("word", flat=True)))
        list(Product.objects.select_for_update().filter(sku="sku-1"))
        raise RuntimeError
except RuntimeError:
    say("outer", sorted(Tag.objects.values_list("word", flat=True)))
try:
    products[5].delete()
except models.ProtectedError as e:
    say("protected", len(e.protected_objects))
say("cascade", sorted(people[7].delete()[1].items()))
say("delete", sorted(Order.objects.filter(paid=False).delete()[1].items()))
say("left", [m.objects.count() for m in (Customer, Order, Line)])
say("profile", list(Profile.objects.values_list("note", "ratio", "took", "key")) + [bytes(Profile.objects.get().blob)])
with connection.schema_editor() as editor:
    f = models.CharField(max_length=30, default="x")
    f.set_attributes_from_name("added")
    editor.add_field(Customer, f)
    wider = models.CharField(max_length=60, null=True)
    wider.set_attributes_from_name("added")
    f.model = wider.model = Customer
    editor.alter_field(Customer, f, wider)
    renamed = models.CharField(max_length=60, null=True, unique=True)
    renamed.set_attributes_from_name("renamed")
    renamed.model = Customer
    editor.execute("UPDATE shop_customer SET added = NULL")
    editor.alter_field(Customer, wider, renamed)
    editor.remove_field(Customer, renamed)
    editor.alter_db_table(Tag, "shop_tag", "shop_word")
    editor.alter_db_table(Tag, "shop_word", "shop_tag")
    editor.add_index(Line, models.Index(fields=["amount"], name="line_amount"))
    editor.add_constraint(Line, models.UniqueConstraint(fields=["amount", "order", "product"], name="once"))
    editor.remove_constraint(Line, models.UniqueConstraint(fields=["amount", "order", "product"], name="once"))
out = io.StringIO()
call_command("inspectdb", "shop_customer", "shop_order", "shop_line", stdout=out)
print(out.getvalue())
out = io.StringIO()
call_command("sqlflush", stdout=out)
say("flush", sorted(out.getvalue().splitlines()))
call_command("flush", interactive=False, verbosity=0)
say("flushed", [m.objects.count() for m in (Customer, Order, Line, User)])
print("end of the program")
