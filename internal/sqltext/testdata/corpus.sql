# One statement a line. Each is given to a real MariaDB, which must accept its syntax, and to the parser, which must understand it.
# A line that begins with `ours: ` has syntax of Orbweaver's; what is left when that is cut out must be right for MariaDB.
select 1
select 1, 'a', "b", x'41', 0x41, b'01', 0b1, 1.5, 1e5, .5, 1., null, true, false, \N, date'2020-01-01', time'10:00:00', timestamp'2020-01-01 10:00:00'
select * from t1
select t1.*, p.t2.* from t1, p.t2
select distinct a, b as x, c "y" from t1 as z where a = 1 and b > 2 or not c like 'x%' escape '|'
select sql_no_cache high_priority sql_small_result straight_join a from t1
select all a from t1 use index (i), t2 force index for join (j) ignore index for order by (k)
select a, count(*) from t1 group by a having count(*) > 1 order by 2 desc, a limit 5 offset 2
select a from t1 group by a, b desc with rollup
select a from t1 limit 2, 5
select a from t1 order by a offset 1 row fetch first 2 rows only
select a from t1 order by a fetch next 1 rows with ties
select a from t1 limit rows examined 100
select a from t1 limit 5 rows examined 100
select a from t1 procedure analyse(10, 20)
select a into @x from t1 limit 1
select a, b from t1 limit 1 into @x, @y
select a from t1 into outfile '/nowhere/x' character set utf8 fields terminated by ',' optionally enclosed by '"' lines terminated by '\n'
select a from t1 into dumpfile '/nowhere/x'
select a from t1 for update
select a from t1 for update nowait
select a from t1 for update wait 5
select a from t1 for update skip locked
select a from t1 lock in share mode
select a from t1 lock in share mode skip locked
select * from t1 join t2 on t1.a = t2.a left join t3 using (a, b) natural join t4
select * from t1 inner join t2 cross join t3 straight_join t4 on 1
select * from t1 left join t2 left join t3 on t2.a = t3.a on t1.a = t2.a
select * from t1 join t2 join t3 on t2.a = t3.a on t1.a = t2.a
select * from (t1, t2) right outer join (t3 join t4 on 1) on 1
select * from t1 natural left join t2 natural right outer join t3 natural inner join t4
select * from (select a from t1) as x, (select 1 union select 2) y, ((select 3)) z
select * from ((select 1 as a) union (select 2) order by 1 limit 1) x
select * from (values (1,2),(3,4)) v
select * from t1 partition (p0, p1) as x
select * from t1 for system_time as of now()
select * from t1 for system_time as of timestamp'2020-01-01 00:00:00' x
select * from t1 for system_time between '2020-01-01' and '2021-01-01', t2 for system_time from '2020-01-01' to '2021-01-01', t3 for system_time all
select * from json_table('[1]', '$[*]' columns (a int path '$' default '1' on empty, n for ordinality, nested path '$.x' columns (b int path '$'))) as j, t1
select * from { oj t1 left join t2 on t1.a = t2.a }
select 1 from dual where 1 = 1
select 1 where 0
(select 1)
(select 1) order by 1 limit 1
((select 1) limit 2) limit 1
select 1 union select 2 union all select 3 union distinct select 4 order by 1 limit 2 offset 1
(select a from t1 order by a limit 1) union (select b from t2 limit 1) limit 1
select 1 except select 2 intersect all select 3 except all select 4
(select 1 union select 2) intersect select 3
select 1 union (select 2 union select 3)
select a from t1 union select b from t2 for update
values (1,2), (3,4)
values (1) union select 2 order by 1
with x as (select a from t1) select * from x
with x (a, b) as (select 1, 2), y as (select * from x) select * from x, y join t1
with recursive x as (select 1 as a union all select a + 1 from x where a < 5) select * from x
with recursive x as (select 1 as a union select a + 1 from x) cycle a restrict select * from x
with x as (select * from t1) select (with y as (select * from x) select max(a) from y), (select count(*) from t2)
with x as (with y as (select * from t1) select * from y) select * from x
select (select a from t1 limit 1), exists (select * from t2), not exists (select 1), a in (select b from t3), a = any (select 1), a <> all (select 2), a > some (select 3) from t1
select (1, 2) = (select 1, 2), row(1, 2) in ((1, 2), (3, 4)), (1, 2) in (select 1, 2)
select a between 1 and 2, a not between 1 and 2 and b, a in (1, 2), a not in (1), a like 'x', a not like 'y', a regexp 'x', a rlike 'x', a not regexp 'y', a sounds like b from t1
select a is null, a is not null, a is true, a is not false, a is unknown, a is not unknown from t1
select 1 + 2 - 3 * 4 / 5 div 6 mod 7 % 8, 1 << 2 >> 3, 1 & 2 | 3 ^ 4, ~1, !1, not 1, - 1, + 1, -a, 1 xor 0, 1 && 1, 1 || 0 from t1
select a = 1, a <=> 1, a <> 1, a != 1, a < 1, a <= 1, a > 1, a >= 1 from t1 where a = 1 = 1
select case a when 1 then 'x' when 2 then 'y' else 'z' end, case when a then 1 end from t1
select if(a, 1, 2), ifnull(a, 1), nullif(a, 1), coalesce(a, b), greatest(a, b), least(1, 2) from t1
select cast(a as char), cast(a as char(10) character set utf8), cast(a as signed integer), cast(a as unsigned), cast(a as decimal(10, 2)), cast(a as date), cast(a as datetime(6)), cast(a as time(3)), cast(a as binary(5)), cast(a as double), cast(a as float), cast(a as interval day_second(3)) from t1
select convert(a, char(10)), convert(a using utf8mb4), convert(a, unsigned), binary a, a collate utf8mb4_bin, _utf8mb4'x' collate utf8mb4_bin from t1
select extract(day from a), extract(year_month from now()), trim(a), trim(both from a), trim(leading 'x' from a), trim('x' from a), substring(a from 2), substring(a from 2 for 3), substring(a, 2, 3), substr(a, 1), mid(a, 1, 2), position('x' in a) from t1
select a + interval 1 day, a - interval b hour, interval 1 month + a, date_add(a, interval '1 2' day_hour), date_sub(a, interval 1 microsecond), adddate(a, 1), adddate(a, interval 1 week), subdate(a, 5), timestampadd(minute, 1, a), timestampdiff(sql_tsi_year, a, b), interval(1, 2, 3) from t1
select count(*), count(a), count(distinct a, b), sum(a), sum(distinct a), avg(a), min(a), max(distinct a), bit_and(a), bit_or(a), bit_xor(a), std(a), stddev_samp(a), variance(a), var_pop(a) from t1
select group_concat(a), group_concat(distinct a, b order by a desc, b separator ';' limit 1, 2), json_arrayagg(a order by b limit 3), json_objectagg(a, b) from t1
select sum(a) over (), sum(a) over (partition by b), rank() over (partition by b order by a desc), row_number() over w, lag(a, 1) over (w rows between 1 preceding and 2 following), first_value(a) over (order by b range between unbounded preceding and current row exclude current row) from t1 window w as (order by a), v as (w)
select percentile_cont(0.5) within group (order by a) over (partition by b), median(a) over (partition by b), percentile_disc(0.5) within group (order by a desc) over () , ntile(4) over (order by a), cume_dist() over (order by a), nth_value(a, 2) over (order by a) from t1
select match (a, b) against ('x'), match (a) against ('x' in boolean mode), match a against ('x' with query expansion), match (a) against ('x' in natural language mode) from t1
select current_date, current_date(), current_time(3), current_timestamp, now(6), sysdate(), localtime, localtimestamp(), utc_date, utc_time(), utc_timestamp(2), curdate(), curtime(), unix_timestamp()
select user(), current_user, current_user(), session_user(), system_user(), current_role, database(), schema(), version(), connection_id(), last_insert_id(), row_count(), found_rows(), uuid(), rand(5)
select left(a, 1), right(a, 1), insert(a, 1, 1, 'x'), replace(a, 'x', 'y'), repeat('x', 3), mod(5, 2), char(65, 66 using utf8), ascii(a), date(a), time(a), timestamp(a, b), year(a), month(a), day(a), hour(a), minute(a), second(a), microsecond(a), quarter(a), week(a, 1), truncate(a, 1), format(a, 2, 'de_DE'), password('x'), reverse(a), charset(a), collation(a), get_format(datetime, 'iso') from t1
select weight_string(a), weight_string(a as char(4)), weight_string(a as binary(4)), weight_string(a level 1 desc reverse) from t1
select json_extract(a, '$.b'), json_value(a, '$.c'), json_query(a, '$'), json_object('k', 1), json_array(1, 2), json_contains(a, '1'), json_table.x from t1, json_table
select column_create('a', 1 as int, 'b', 'x' as char), column_get(a, 'b' as int), column_add(a, 'c', 1), column_delete(a, 'b'), column_json(a) from t1
select @a, @`a b`, @'c', @a := 1, @a := @b := 2, @@autocommit, @@global.max_connections, @@session.sql_mode, @@local.autocommit, @@`autocommit`
select default(a), value(a) from t1
select next value for s1, previous value for s1, nextval(s1), lastval(s1), setval(s1, 5), setval(s1, 5, true, 1)
select f1(1), p.f1(a), `f1`(2) from t1
select {d '2020-01-01'}, {t '10:00'}, {ts '2020-01-01 00:00:00'}, {fn now()}
select a.`b c`, `select`, `t``x` from `a`
select t1.1a, t1.select, select.a from t1, `select`
select 1a, a$, $a, _a, éa from t1
select n'abc', N'x' 'y', 'a' 'b' "c", _latin1 x'41', _binary 0x41, 'a''b', 'a\'b', "a""b"
select 1 -- comment
select 1 # comment
select /* a */ 1 /*! + 1 */ /*!50001 + 1 */ /*!99999 garbage ' */ /*M! + 1 */ /*M!100100 + 1 */ /*M!999999 garbage */
select/**/1/*+ no hint */+1
select st_astext(point(1, 2)), st_geomfromtext('POINT(1 1)'), st_distance(a, b), contains(a, b), within(a, b), linestring(point(1,1), point(2,2)), x(a), polygon(linestring(point(0,0), point(1,0), point(1,1), point(0,0))) from t1
select aes_encrypt('a', 'b'), get_lock('a', 1), release_lock('a'), is_free_lock('a'), sleep(0), benchmark(1, 1), load_file('x'), inet_aton('1.2.3.4'), crc32('a', 1), rownum() from t1
select lengthb('a'), oct('a'), natural_sort_key('a'), sformat('{}', 1), to_char(now(), 'YYYY'), chr(65), add_months(now(), 1), random_bytes(3), uuid_short(), sys_guid(), crc32c('x'), nvl(1, 2), nvl2(1, 2, 3), last_value(1, 2)
select 5 in (1, 5) in (1), 1 between 0 and 2 = 1, not 1 = 2, - 2 ^ 2, 1 is null is null
select * from t1 where (a, b) > (1, 2) and (c is null or d in (select e from t2 where t2.a = t1.a)) and exists (select 1 from t3)
select a as `group`, b as 'order' from t1 order by `group`, 'order'
select end, begin, status, type, value, date, time, text, user, level, name, offset_, data, key_, action, no, day, work, open, close, shard, sync, reference, leaves from t1 as partitions
select t.date, t.time, t.user, t.level from t1 t
select max(a) + 1, (select max(b) from t2 where t2.x = t1.x) from t1 group by x
select straight_join t1.a from t1 join t2
select sql_calc_found_rows a from t1 limit 1
select ? + 1, a from t1 where b = ? and c in (?, ?) limit ?, ?
insert into t1 values (1, 2, 'x')
insert t1 (a, b) values (1, 2), (3, default), (null, ?)
insert into p.t1 (a) value (1)
insert low_priority ignore into t1 () values ()
insert delayed into t1 values (1)
insert high_priority into t1 set a = 1, b = default, c = now()
insert into t1 (t1.a, p.t1.b) values (1, 2)
insert into t1 partition (p0) (a) values (1)
insert into t1 select * from t2
insert into t1 (a, b) select a, b from t2 where c = 1 on duplicate key update a = values(a), b = t1.b + 1
insert into t1 (a) (select a from t2)
insert into t1 (select a from t2)
insert into t1 (a) with x as (select 1) select * from x
insert into t1 select 1 union select 2
insert into t1 values (1, 2) on duplicate key update a = a + 1, b = (values(b)), c = default
insert into t1 (a) values (1) returning a, b as x, a + 1
insert into t1 values ((select max(a) from t2), (1 + 2) * 3)
insert into t1 select a from t2 returning *
insert into t1 values (1), (2), (3) on duplicate key update a = 1 returning a
replace into t1 values (1, 2)
replace delayed t1 set a = 1
replace into t1 (a, b) select * from t2
replace low_priority into t1 values (1) returning *
update t1 set a = 1
update low_priority ignore t1 set a = a + 1, t1.b = default where c = 1 order by d desc limit 5
update t1 as x set x.a = 1 where x.b in (select b from t2)
update t1, t2 set t1.a = t2.a, t2.b = 1 where t1.id = t2.id
update t1 join t2 using (a) left join t3 on t1.b = t3.b set t1.c = t3.c
update t1 partition (p0) set a = 1
update t1 for portion of p from '2000-01-01' to '2001-01-01' set a = 1
update t1, (select 1 as x) y set a = y.x
delete from t1
delete low_priority quick ignore from t1 where a = 1 order by b limit 3
delete from t1 where a = 1 returning a, b
delete t1 from t1 join t2 using (a)
delete t1.*, p.t2 from t1, t2 where t1.a = t2.a
delete from t1, t2 using t1 join t2 join t3 where t1.a = t3.a
delete a from t1 as a where a.b = 1
delete from t1 partition (p0) where a = 1
delete history from t1
delete history from t1 before system_time '2020-01-01'
delete from t1 for portion of p from '2000-01-01' to '2001-01-01'
truncate t1
truncate table p.t1 wait 5
load data infile 'x' into table t1
load data low_priority local infile 'x' replace into table p.t1 character set utf8mb4 fields terminated by '\t' enclosed by '"' escaped by '\\' lines starting by 'x' terminated by '\n' ignore 1 lines (a, b, @c) set d = @c + 1, e = (select 1)
load data concurrent infile 'x' ignore into table t1 partition (p0) columns terminated by ',' optionally enclosed by '"' ignore 2 rows
load xml local infile 'x' into table t1 rows identified by '<r>'
create table n1 (a int)
create table if not exists p.n1 (a int not null auto_increment, b varchar(10) character set utf8 collate utf8_bin default 'x' comment 'y', c decimal(10,2) unsigned zerofill, d timestamp(6) not null default current_timestamp(6) on update current_timestamp(6), e enum('a','b'), f set('x'), g text, h bit(3) default b'101', i json check (json_valid(i)), primary key (a), unique key u (b(5)), key k (c, d desc), fulltext key (g), constraint ck check (c > 0)) engine = innodb auto_increment = 5 default charset = utf8mb4 collate utf8mb4_bin comment = 'z' row_format = dynamic
create or replace table n1 (a int primary key, b int as (a + 1) virtual, c int generated always as (b * 2) stored, d int invisible default (a + f1(2)), e int references t2 (a), index i using btree (b) comment 'x', foreign key fk (e) references p.t3 (x) on delete set null on update cascade)
create temporary table n1 (a int) select 1 as a
create table n1 like t1
create table n1 (like p.t1)
create table n1 as select * from t1
create table n1 (a int) replace select * from t1 union select * from t2
create table n1 (primary key (a)) select a from t1
create table n1 (a int) partition by range (a) (partition p0 values less than (10), partition p1 values less than maxvalue)
create table n1 (a int) partition by hash (a + 1) partitions 4
create table n1 (a int, b date) partition by list columns (a) subpartition by key (b) subpartitions 2 (partition p0 values in (1, 2))
create table n1 (a int, s timestamp(6) generated always as row start, e timestamp(6) generated always as row end, period for system_time (s, e)) with system versioning
create table n1 (a int, b date, c date, period for p (b, c), unique (a, p without overlaps))
create table n1 (a int with system versioning, b uuid, c inet6, d point not null, spatial index (d), e serial)
create table n1 (a int default nextval(s1), b int default next value for s1)
create table n1 (a int) engine = merge union = (t1, t2) insert_method = last
create table n1 engine memory select 1
alter table t1 add column x int not null default 5 first, add y int after x, add (z int, key (z)), drop column a, drop b
alter table t1 modify a bigint, modify column b int first, change a c int, change column d e varchar(10), alter column a set default 1, alter b drop default, rename column x to y
alter table t1 add index i (a), add unique u (b), add primary key (c), add constraint fk foreign key (a) references t2 (b), add fulltext f (a), add constraint c check (a > 1), drop index i, drop key k, drop primary key, drop foreign key fk, drop constraint c, rename index i to j, rename key k to l, alter index i ignored
alter table t1 rename to n2
alter table t1 rename n2, engine = innodb, algorithm = inplace, lock = none, comment 'x', auto_increment = 5, convert to character set utf8, default character set latin1, force, disable keys, order by a
alter ignore table if exists p.t1 wait 5 add column if not exists x int, drop column if exists y
create table n1 (a int, b date) partition by linear key algorithm = 1 (a, b) partitions 3
create table n1 (a int primary key) /*!50100 partition by key () partitions 4 */
create table n1 (a int, b date) engine = myisam partition by range columns (b, a) (partition p0 values less than ('2020-01-01', 5) comment = 'x' data directory = '/tmp', partition `p 1` values less than (maxvalue, maxvalue) storage engine myisam max_rows 5)
create table n1 (a int, b date) partition by list (a) subpartition by linear hash (year(b)) subpartitions 2 (partition p0 values in (1, (2) + 3, null) (subpartition s0 comment 'x', subpartition s1), partition p1 default (subpartition s2, subpartition 's3'))
create table n1 (a int, b date) partition by list columns (a, b) (partition p0 values in ((1, '2020-01-01'), (2, null)), partition p1 values in ((3, null)))
create table n1 (a int) with system versioning partition by system_time interval 1 day partitions 3
alter online table t1 add partition (partition p2 values less than (20))
alter table t1 drop partition p0, p1
alter table t1 exchange partition p0 with table t2
alter table t1 partition by hash (a) partitions 8
alter table t1 remove partitioning
alter table t1 truncate partition p0
alter table t1 add system versioning, drop system versioning
alter table t1 discard tablespace
drop table t1, p.t2
drop table if exists t1 cascade
drop temporary table if exists t1
rename table t1 to n1, p.t2 to p.n2
create index i on t1 (a, b desc)
create or replace unique index i using hash on p.t1 (a(10)) comment 'x' algorithm = inplace lock = none
create fulltext index if not exists i on t1 (a)
drop index i on t1
drop index if exists i on p.t1 wait 5
create view v1 as select * from t1
create or replace algorithm = merge definer = 'a'@'b' sql security invoker view p.v1 (a, b) as select a, b from t1 where a > 1 with local check option
create view if not exists v1 as with x as (select * from t1) select * from x union select * from t2
alter view v1 as select 1
drop view if exists v1, v2
create database n1
create database if not exists n1 character set utf8mb4 collate utf8mb4_bin comment 'x'
create or replace schema n1
alter database n1 character set = latin1
alter database character set latin1
drop database if exists n1
drop schema n1
create sequence n1 start with 1 increment by 2 minvalue 1 maxvalue 100 cycle cache 10
create or replace sequence n1
alter sequence s1 restart 5
drop sequence if exists n1
create server n1 foreign data wrapper mysql options (host '127.0.0.1', user 'x', port 3306)
alter server n1 options (user 'y')
drop server if exists n1
drop server `n 1`
create or replace server 'n 1' foreign data wrapper 'mysql' options (host "h", port 0x10, database 'd', user 'u', password 'p''q', socket '/s', owner 'o')
create server if not exists n1 foreign data wrapper mariadb options (socket '', port 1)
alter server 'n1' options (password '', owner '')
create server password foreign data wrapper password options (host 'h')
create trigger tr1 before insert on t1 for each row set new.a = 1
create or replace definer = current_user trigger if not exists p.tr1 after update on p.t1 for each row follows tr0 begin declare x int default 5; if new.a > x then insert into t2 values (new.a); elseif old.a then delete from t3; else set @x = (select max(a) from t4); end if; end
create procedure p1() select 1
create procedure p1 (in a int, out b varchar(10), inout c int) language sql not deterministic modifies sql data sql security invoker comment 'x' begin declare c1 cursor for select a from t1; declare continue handler for not found set @done = 1; open c1; fetch c1 into b; close c1; l: loop leave l; end loop l; while a > 0 do set a = a - 1; end while; repeat set a = 1; until a end repeat; case a when 1 then select 1; else begin end; end case; for i in 1 .. 5 do select i; end for; signal sqlstate '45000' set message_text = 'x'; end
create function f2(a int) returns int deterministic return a + 1
create or replace aggregate function f2(a int) returns int begin declare exit handler for not found return 1; loop fetch group next row; end loop; end
create function f2 returns string soname 'x.so'
create event e1 on schedule every 1 day starts now() ends now() + interval 1 year on completion preserve enable comment 'x' do insert into t1 values (1)
create event e1 on schedule at now() do begin delete from t1; delete from t2; end
alter event e1 on schedule every 2 hour rename to e2 disable
alter procedure p1 comment 'x'
alter function f1 sql security definer
drop procedure if exists p1
drop function if exists p.f1
drop trigger if exists p.tr1
drop event if exists e1
create user u1
create user if not exists u1@localhost identified by 'x', 'u2'@'%' identified via mysql_native_password using 'y' or ed25519 using 'z' require ssl with max_queries_per_hour 5 account lock password expire
alter user u1@localhost identified by 'x'
drop user if exists u1, u2@localhost
rename user u1 to u2, 'a'@'b' to c
create role r1
create role if not exists r1 with admin current_user
drop role if exists r1
grant select, insert (a, b), update on p.t1 to u1, u2@'%' with grant option
grant all privileges on *.* to u1 identified by 'x'
grant usage on p.* to u1 require ssl
grant all on * to u1
grant execute on procedure p.p1 to u1
grant execute on function f1 to u1
grant select on table t1 to u1
grant r1 to u1 with admin option
grant proxy on u1 to u2
revoke insert on p.* from u1
revoke all privileges, grant option from u1, u2
revoke r1 from u1
revoke execute on procedure p.p1 from u1
set password = password('x')
set password for u1@localhost = 'x'
set role r1
set role none
set default role r1 for u1
set autocommit = 0
set autocommit = off, sql_mode = 'ANSI', session wait_timeout = 5, @a = 1, @b := 2, @@session.sql_mode = default, @@global.wait_timeout = 100, global max_connections = 50, local sort_buffer_size = 1000
set names utf8mb4
set names 'utf8' collate 'utf8_bin'
set names default
set character set latin1
set charset default
set transaction isolation level repeatable read
set session transaction read only, isolation level serializable
set global transaction read write
set @a = (select max(a) from t1), @b = @a + 1
set statement max_statement_time = 5, sql_mode = '' for select * from t1
set statement lock_wait_timeout = 1 for insert into t1 select * from t2
set default.key_buffer_size = 10000
set big.key_buffer_size = 10000
set sql_mode = concat(@@sql_mode, ',ANSI'), time_zone = '+00:00', foreign_key_checks = on, character_set_client = utf8, collation_connection = utf8_bin
show databases
show databases like 'x%'
show schemas where `Database` = 'x'
show tables
show full tables from p like 'x'
show open tables in p
show table status from p like 'x'
show columns from t1
show full columns from t1 from p like 'a%'
show full fields in p.t1 where field = 'a'
show index from t1
show indexes in t1 in p
show keys from p.t1
show create table t1
show create table p.t1
show create view v1
show create database p
show create schema if not exists p
show create procedure p1
show create function p.f1
show create trigger tr1
show create event e1
show create user u1@localhost
show create sequence s1
show create package x
show triggers from p like 'x'
show events in p
show procedure status like 'x'
show function status
show procedure code p1
show variables
show global variables like 'x'
show session status where variable_name = 'x'
show local variables
show status like 'x'
show warnings
show warnings limit 1, 2
show count(*) warnings
show errors limit 5
show engines
show storage engines
show engine innodb status
show engine innodb mutex
show plugins
show plugins soname 'x'
show privileges
show processlist
show full processlist
show grants
show grants for u1@localhost
show grants for current_user()
show character set like 'x'
show collation where charset = 'utf8'
show binary logs
show master logs
show master status
show binlog status
show slave status
show all slaves status
show slave 'x' status
show replica status
show slave hosts
show binlog events in 'x' from 4 limit 5
show relaylog events
show profiles
show profile all for query 1
show index_statistics
show authors
show contributors
show explain for 5
show analyze for 5
describe t1
desc p.t1 a
describe t1 'a%'
explain t1
explain select * from t1
explain extended select 1
explain partitions select 1
explain format = json select * from t1
explain update t1 set a = 1
explain delete from t1
explain insert into t1 select * from t2
explain replace into t1 values (1)
desc (select 1) union (select 2)
explain for connection 5
explain format = json for connection 5
analyze select * from t1
analyze format = json update t1 set a = 1
begin
begin work
start transaction
start transaction read only
start transaction read write, with consistent snapshot
commit
commit work and chain no release
commit and no chain release
rollback
rollback work and no chain
rollback to x
rollback work to savepoint `x`
savepoint x
release savepoint x
xa start 'x', 'y', 1 join
xa begin x'41'
xa end 'x' suspend for migrate
xa prepare 'x'
xa commit 'x' one phase
xa rollback 'x'
xa recover
xa recover format = 'sql'
prepare s from 'select 1'
prepare s from @a
prepare s from concat('a', 'b')
execute s
execute s using @a, 1, default
execute immediate 'select 1'
execute immediate concat('a', @b) using 1, @c
deallocate prepare s
drop prepare s
lock tables t1 read, t2 as x write, p.t3 y read local
lock table t1 write concurrent wait 5
unlock tables
kill 5
kill query 5
kill connection 5
kill hard query id 7
kill soft user u1
kill user u1@localhost
call p1
call p1()
call p.p1(1, @a, (select max(a) from t1))
do 1, sleep(0), (select 1 from t1)
do release_lock('x')
handler t1 open
handler p.t1 open as x
handler t1 read first where a = 1 limit 5
handler t1 read i >= (1, 2)
handler t1 close
flush tables
flush tables t1, p.t2 with read lock
flush local privileges
flush no_write_to_binlog tables t1 for export
flush hosts, logs, status
flush binary logs
flush query cache
flush user_resources
flush ssl
reset query cache
reset master
reset slave 'x' all
analyze table t1, p.t2
analyze local table t1 persistent for columns (a, b) indexes (i)
check table t1 extended
checksum table t1 quick
optimize table t1 wait 5
optimize no_write_to_binlog table t1
repair table t1 quick extended use_frm
analyze table t1 persistent for all
check view v1
use p
use `a b`
help 'select'
install plugin x soname 'y'
install soname 'y'
uninstall plugin if exists x
cache index t1 in big
load index into cache t1 ignore leaves
purge binary logs to 'x'
purge master logs before now()
binlog 'x'
change master to master_host = 'x', master_port = 5, master_use_gtid = slave_pos
change master 'c' to do_domain_ids = (1, 2)
start slave
stop all slaves
start slave 'x' until master_log_file = 'y', master_log_pos = 5
backup stage start
backup lock t1
backup unlock
get diagnostics @a = number
get diagnostics condition 1 @x = message_text
signal sqlstate '45000' set message_text = 'x'
resignal
begin not atomic declare x int; select a into x from t1; insert into t2 values (x); end
if 1 = 1 then select 1; else select 2; end if
case 1 when 1 then select 1; end case
while 0 do select 1; end while
repeat select 1; until 1 end repeat
for i in 1 .. 2 do select i; end for
for r in (select a from t1) do select r.a; end for
shutdown wait for all slaves
alter table t1 import tablespace
ours: create database n1 partitions 8
ours: create database if not exists n1 partitions 8 with sync replication
ours: create database n1 with async replication partitions 4 character set utf8
ours: create database n1 character set utf8 partitions = 2 collate utf8_bin
ours: create table n1 (a int, b int, shard key (a))
ours: create table n1 (shard key (a), a int, b int)
ours: create table n1 (a int, shard key (a, b), b int, primary key (a, b))
ours: create table n1 (a int, primary key (a) /*!999999 SHARD KEY (`a`) */) engine = innodb
ours: create table n1 (a int primary key /*!999999 SHARD KEY (`a`) */, b int)
ours: create table n1 (a int primary key /*!999999 , SHARD KEY (`a`) */)
ours: create table n1 (a int /*M!999999 , SHARD KEY (`a`) */, key (a))
ours: create reference table n1 (a int)
ours: create reference table if not exists p.n1 (a int) select 1
ours: create /*!999999 REFERENCE */ table n1 (a int)
ours: create or replace reference table n1 (a int, key (a))
