/** Where a service has what. */
export interface UnitPaths {
  readonly executable: string;
  readonly config: string;
}

/** The service's name, and that of all its folders. */
export const SERVICE = "mevent";
/** The control socket of the service: root's, and its own. */
export const SERVICE_CONTROL = `/run/${SERVICE}/control.sock`;

/**
 * The unit of a server that may do what a server needs, and nothing else; `systemd-analyze security` finds little exposed. What it does
 * not take away, and why, stands in it.
 */
export function systemdUnit({ executable, config }: UnitPaths): string {
  return `[Unit]
Description=mevent, bounded queues between fast callers and slow work
Documentation=man:mevent(1)
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart=${executable} serve --config ${config}
# Waits, and fails where the config cannot be used; the server goes on with the one before.
ExecReload=${executable} reload --timeout 60s
Environment=MEVENT_CONTROL=${SERVICE_CONTROL}
Restart=on-failure
RestartSec=1s
# A wrong command line or config does not become right by itself.
RestartPreventExitStatus=64 78
# The server asks for more time while it starts, or works off what is queued.
TimeoutStartSec=60s
TimeoutStopSec=60s
# Fed by the loop that serves the sockets.
WatchdogSec=15s
KillMode=mixed

DynamicUser=yes
User=${SERVICE}
StateDirectory=${SERVICE}
StateDirectoryMode=0700
RuntimeDirectory=${SERVICE}
RuntimeDirectoryMode=0755
ConfigurationDirectory=${SERVICE}
WorkingDirectory=%S/${SERVICE}
UMask=0077

LimitNOFILE=65536
LimitCORE=0
TasksMax=4096

CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
# [server] realtime = true needs "no" here, AmbientCapabilities=CAP_SYS_NICE, CapabilityBoundingSet=CAP_SYS_NICE and PrivateUsers=no.
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
# V8 compiles JavaScript at run time: memory that is written must be run.
MemoryDenyWriteExecute=no
SystemCallArchitectures=native
# Landlock confines plugins, V8 guards its code by keys; older systemd has neither in a group.
SystemCallFilter=@system-service landlock_create_ruleset landlock_add_rule landlock_restrict_self pkey_alloc pkey_free pkey_mprotect
# chown is left: sockets are given to the groups that the config names, of those in SupplementaryGroups=.
SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}
