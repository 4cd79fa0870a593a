<?php
// mysqli and PDO, as applications in PHP use them.
[$host,$port,$db]=[$argv[1],(int)$argv[2],$argv[3]]; mysqli_report(MYSQLI_REPORT_ERROR|MYSQLI_REPORT_STRICT);
function show($l,$v){echo $l,': ',is_string($v)?$v:json_encode($v, JSON_PARTIAL_OUTPUT_ON_ERROR),"\n";}
function tr($l,$f){try{show($l,$f());}catch(Throwable $e){show($l,get_class($e).' '.$e->getCode().' '.$e->getMessage());}}
$m=mysqli_init(); $m->options(MYSQLI_OPT_INT_AND_FLOAT_NATIVE,1); $m->real_connect($host,'root','','',$port,null,MYSQLI_CLIENT_FOUND_ROWS|MYSQLI_CLIENT_COMPRESS);
tr('sel',fn()=>$m->select_db($db));
tr('drop',fn()=>$m->query('DROP TABLE IF EXISTS t'));
tr('charset',fn()=>[$m->set_charset('utf8mb4'),$m->character_set_name(),(array)$m->get_charset()]);
tr('ct',fn()=>$m->query('CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, s VARCHAR(50), d DECIMAL(10,3), f DOUBLE, dt DATETIME(3), b BLOB, j JSON, bi BIGINT UNSIGNED, bt BIT(5), e ENUM("a","b"), y YEAR, tm TIME(2))'));
tr('ins',fn()=>[$m->query("INSERT INTO t VALUES (1,'é',1.5,2.5,'2020-01-02 03:04:05.678',x'00ff','{\"a\":1}',18446744073709551615,b'101','b',1999,'-12:34:56.78'),(2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)"),$m->affected_rows,$m->info,$m->insert_id]);
tr('upd same',fn()=>[$m->query("UPDATE t SET s='é' WHERE id=1"),$m->affected_rows,$m->info]);
tr('fetch',fn()=>$m->query('SELECT * FROM t ORDER BY id')->fetch_all(MYSQLI_ASSOC)[1]);
tr('fetch1',fn()=>array_map('bin2hex',array_map('strval',$m->query('SELECT * FROM t ORDER BY id')->fetch_row())));
tr('fields',fn()=>array_map(fn($f)=>[$f->name,$f->orgname,$f->table,$f->orgtable,$f->db,$f->max_length,$f->length,$f->charsetnr,$f->flags,$f->type,$f->decimals],$m->query('SELECT t.*, 1 x, NOW() FROM t')->fetch_fields()));
tr('prep',function()use($m){$s=$m->prepare('SELECT id,s,d,f,dt,HEX(b),j,bi,bt,e,y,tm FROM t WHERE id=? OR s=? ORDER BY id');$id=1;$x='zz';$s->bind_param('is',$id,$x);$s->execute();$r=$s->get_result()->fetch_all();$id=2;$s->execute();return [$r,$s->get_result()->fetch_all(),$s->param_count,$s->field_count];});
tr('prep ins',function()use($m){$s=$m->prepare('INSERT INTO t (s,d,b) VALUES (?,?,?)');$a='x';$d=3.25;$n=NULL;$s->bind_param('sdb',$a,$d,$n);$s->send_long_data(2,'long');$s->send_long_data(2,'data');$s->execute();return [$s->affected_rows,$s->insert_id>0];});
tr('store',function()use($m){$s=$m->prepare('SELECT s FROM t ORDER BY id');$s->execute();$s->store_result();$s->bind_result($o);$a=[];$s->data_seek(1);while($s->fetch())$a[]=$o;return [$s->num_rows,$a];});
tr('cursor',function()use($m){$s=$m->prepare('SELECT id FROM t ORDER BY id');$s->attr_set(MYSQLI_STMT_ATTR_CURSOR_TYPE,MYSQLI_CURSOR_TYPE_READ_ONLY);$s->execute();$s->bind_result($o);$n=0;while($s->fetch())$n++;return $n;});
tr('multi',function()use($m){$m->multi_query("SELECT 1 a; INSERT INTO t (s) VALUES ('m'); SELECT COUNT(*) c FROM t; SELECT nope; SELECT 2");$a=[];do{if($r=$m->store_result()){$a[]=$r->fetch_all();$r->free();}else $a[]=$m->affected_rows;}while($m->more_results()&&$m->next_result());return $a;});
tr('after',fn()=>[$m->errno,$m->error,$m->sqlstate]);
tr('dup',fn()=>$m->query("INSERT INTO t (id) VALUES (1)"));
tr('err',fn()=>[$m->errno,$m->error,$m->sqlstate,$m->error_list]);
tr('syntax',fn()=>$m->query("SELEC 1"));
tr('warn',function()use($m){$m->query("SELECT CAST('1x' AS INT), 1/0");$w=$m->get_warnings();$a=[];if($w)do{$a[]=[$w->errno,$w->sqlstate,$w->message];}while($w->next());return [$m->warning_count,$a];});
tr('tx',function()use($m){$m->autocommit(false);$m->begin_transaction(MYSQLI_TRANS_START_READ_WRITE,'n');$m->query("UPDATE t SET s='q' WHERE id=2");$m->savepoint('sp');$m->query("DELETE FROM t WHERE id=2");$a=$m->query('SELECT COUNT(*) FROM t WHERE id=2')->fetch_row();$m->query('ROLLBACK TO sp');$b=$m->query('SELECT s FROM t WHERE id=2')->fetch_row();$m->rollback();$m->autocommit(true);return [$a,$b,$m->query('SELECT s FROM t WHERE id=2')->fetch_row()];});
tr('ro',function()use($m){$m->begin_transaction(MYSQLI_TRANS_START_READ_ONLY);try{$m->query("DELETE FROM t");}finally{$m->commit();}return 1;});
tr('stat',fn()=>preg_replace('/[0-9.]+/','N',$m->stat()) );
tr('ping',fn()=>$m->query('DO 1'));
tr('change_user',fn()=>[$m->change_user('root','',$db),$m->query('SELECT DATABASE(), @x')->fetch_row()]);
tr('unbuf',function()use($m){$m->real_query('SELECT id FROM t ORDER BY id');$r=$m->use_result();$n=0;while($r->fetch_row())$n++;return $n;});
tr('async',function()use($m){$m->query('SELECT 5 v',MYSQLI_ASYNC);$l=[$m];$e=$j=[];mysqli_poll($l,$e,$j,5);return $m->reap_async_query()->fetch_row();});
tr('esc',fn()=>$m->real_escape_string("a'b\"c\\\0\n\x1a"));
$p=new PDO("mysql:host=$host;port=$port;dbname=$db;charset=utf8mb4",'root','',[PDO::ATTR_ERRMODE=>PDO::ERRMODE_EXCEPTION,PDO::MYSQL_ATTR_LOCAL_INFILE=>true,PDO::MYSQL_ATTR_INIT_COMMAND=>"SET sql_mode='TRADITIONAL', time_zone='+03:00'"]);
tr('pdo init',fn()=>$p->query('SELECT @@sql_mode,@@time_zone')->fetch(PDO::FETCH_NUM)); foreach([true,false] as $em){$p->setAttribute(PDO::ATTR_EMULATE_PREPARES,$em);
tr("pdo named $em",function()use($p){$s=$p->prepare('SELECT id,s,d FROM t WHERE id = :id OR s LIKE :s ORDER BY id LIMIT :n');$s->bindValue('id',1,PDO::PARAM_INT);$s->bindValue('s','m%');$s->bindValue('n',5,PDO::PARAM_INT);$s->execute();return $s->fetchAll(PDO::FETCH_ASSOC)[0];});
tr("pdo null $em",function()use($p){$s=$p->prepare('SELECT ? IS NULL, ?, ?, ? + 1');$s->execute([null,true,'é',2]);return $s->fetchAll(PDO::FETCH_NUM);});
tr("pdo meta $em",function()use($p){$s=$p->query('SELECT d,f,bi,COUNT(*) c FROM t GROUP BY d,f,bi ORDER BY 1,2,3');return [$s->getColumnMeta(0),$s->getColumnMeta(3),$s->rowCount()];});
tr("pdo rowset $em",function()use($p){$s=$p->query('SELECT 1; SELECT 2');$a=$s->fetchAll();$s->nextRowset();return [$a,$s->fetchAll()];});
tr("pdo lii $em",function()use($p){$p->exec("INSERT INTO t (s) VALUES ('l')");return $p->lastInsertId()>0;});
tr("pdo dup $em",fn()=>$p->exec("INSERT INTO t (id) VALUES (1)"));
tr("pdo tx $em",function()use($p){$p->beginTransaction();$p->exec("DELETE FROM t");$i=$p->inTransaction();$p->rollBack();return [$i,$p->query('SELECT COUNT(*)>0 FROM t')->fetchColumn()];});}
tr('pdo strict',fn()=>$p->exec("INSERT INTO t (d) VALUES ('abc')"));
tr('pdo attrs',fn()=>[$p->getAttribute(PDO::ATTR_CONNECTION_STATUS)]);
$file=tempnam(sys_get_temp_dir(),'rows'); file_put_contents($file,"100\tfoo\n101\t\\N\n");
tr('pdo local infile',fn()=>$p->exec("LOAD DATA LOCAL INFILE '$file' INTO TABLE t (id,s)"));
tr('cnt',fn()=>$p->query('SELECT COUNT(*) FROM t WHERE id>=100')->fetchColumn());
unlink($file); echo "end of the program\n";
