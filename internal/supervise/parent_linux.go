package supervise

import "syscall"

// DieWithParent has the kernel kill the child when the thread that started it ends, which is why supervisors keep their thread: one that lives on without its
// supervisor would hold ports and data.
func DieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
