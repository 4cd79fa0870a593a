// Package view makes the texts by which statements that name views become statements on tables. A view's body, as MariaDB prints it, takes the place of its name in FROM, as a
// derived table; where a view is written to, the one table that it is a window on does.
//
// MariaDB itself keeps a view as such a text and reads it anew whenever it is named, under the settings that the view was made with. So what the session's own settings would make
// of the text is looked at here: sql_mode (how strings are read) and collation_connection (which collation strings have that no column gives one). What can't be said in
// the session's terms is an error, never a guess.
//
// Package view judges no rights and knows no definitions but the topology's: whoever uses it asks a leaf first, by a PREPARE of the client's own text, where the views are. It is pure. Tests
// hold its texts in a table; the package equivalence compares answers.
package view
