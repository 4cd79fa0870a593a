package localfarm

import "syscall"

// dieWithParent has the kernel kill the child when the thread that started it ends, which is why supervisors keep their thread. A killed
// server recovers at its next start; one that lives on without its supervisor would hold ports and data.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
