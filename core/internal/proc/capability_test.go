package proc_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/program"
)

// TestCapabilityNamesAreAtTheirNumbers, as the kernel's header has them.
func TestCapabilityNamesAreAtTheirNumbers(t *testing.T) {
	numbers := map[string]int{
		"cap_chown": unix.CAP_CHOWN, "cap_dac_override": unix.CAP_DAC_OVERRIDE, "cap_dac_read_search": unix.CAP_DAC_READ_SEARCH,
		"cap_fowner": unix.CAP_FOWNER, "cap_fsetid": unix.CAP_FSETID, "cap_kill": unix.CAP_KILL, "cap_setgid": unix.CAP_SETGID,
		"cap_setuid": unix.CAP_SETUID, "cap_setpcap": unix.CAP_SETPCAP, "cap_linux_immutable": unix.CAP_LINUX_IMMUTABLE,
		"cap_net_bind_service": unix.CAP_NET_BIND_SERVICE, "cap_net_broadcast": unix.CAP_NET_BROADCAST, "cap_net_admin": unix.CAP_NET_ADMIN,
		"cap_net_raw": unix.CAP_NET_RAW, "cap_ipc_lock": unix.CAP_IPC_LOCK, "cap_ipc_owner": unix.CAP_IPC_OWNER,
		"cap_sys_module": unix.CAP_SYS_MODULE, "cap_sys_rawio": unix.CAP_SYS_RAWIO, "cap_sys_chroot": unix.CAP_SYS_CHROOT,
		"cap_sys_ptrace": unix.CAP_SYS_PTRACE, "cap_sys_pacct": unix.CAP_SYS_PACCT, "cap_sys_admin": unix.CAP_SYS_ADMIN,
		"cap_sys_boot": unix.CAP_SYS_BOOT, "cap_sys_nice": unix.CAP_SYS_NICE, "cap_sys_resource": unix.CAP_SYS_RESOURCE,
		"cap_sys_time": unix.CAP_SYS_TIME, "cap_sys_tty_config": unix.CAP_SYS_TTY_CONFIG, "cap_mknod": unix.CAP_MKNOD,
		"cap_lease": unix.CAP_LEASE, "cap_audit_write": unix.CAP_AUDIT_WRITE, "cap_audit_control": unix.CAP_AUDIT_CONTROL,
		"cap_setfcap": unix.CAP_SETFCAP, "cap_mac_override": unix.CAP_MAC_OVERRIDE, "cap_mac_admin": unix.CAP_MAC_ADMIN,
		"cap_syslog": unix.CAP_SYSLOG, "cap_wake_alarm": unix.CAP_WAKE_ALARM, "cap_block_suspend": unix.CAP_BLOCK_SUSPEND,
		"cap_audit_read": unix.CAP_AUDIT_READ, "cap_perfmon": unix.CAP_PERFMON, "cap_bpf": unix.CAP_BPF,
		"cap_checkpoint_restore": unix.CAP_CHECKPOINT_RESTORE,
	}
	names := program.CapabilityNames()
	if len(names) != unix.CAP_LAST_CAP+1 || len(numbers) != len(names) {
		t.Errorf("%d names for %d capabilities", len(names), unix.CAP_LAST_CAP+1)
	}
	for number, name := range names {
		if n, ok := numbers[name]; !ok || n != number {
			t.Errorf("%s is at %d, want %d", name, number, n)
		}
	}
}
