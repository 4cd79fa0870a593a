module github.com/orbweaver/orbweaver

go 1.26
