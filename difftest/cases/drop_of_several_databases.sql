-- DROP TABLE of tables of two databases: one after another, with one error for all that are unknown.
CREATE TABLE d1.oak (id INT PRIMARY KEY);
CREATE TABLE d2.elm (id INT PRIMARY KEY);
CREATE TABLE d1.ash (id INT PRIMARY KEY);
DROP TABLE oak, d2.elm;
DROP TABLE IF EXISTS d1.oak, d2.elm, d1.fir;
SHOW WARNINGS;
DROP TABLE d1.oak, d2.elm, d1.ash, nowhere.yew;
SELECT COUNT(*) FROM d1.ash;
CREATE TABLE d1.parent (id INT PRIMARY KEY);
CREATE TABLE d1.child (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES d1.parent (id));
CREATE TABLE d2.elm (id INT PRIMARY KEY);
CREATE TABLE d2.fig (id INT PRIMARY KEY);
DROP TABLE d2.elm, d1.parent, d2.fig;
SELECT COUNT(*) FROM d1.parent;
SELECT COUNT(*) FROM d2.fig;
DROP TABLE d1.child, d2.elm, d1.parent;
DROP TABLE d1.child, d2.elm, d1.child;
