import { SERVICE } from "../cli/install/unit.ts";

/** What a package is told of. */
export interface DebFacts {
  readonly version: string;
  /** Debian's name of the processor: `amd64`. */
  readonly architecture: string;
  readonly installedKib: number;
  readonly maintainer: string;
}

/** The package's description for dpkg. libssl is loaded only where TLS is configured. */
export function controlText({ version, architecture, installedKib, maintainer }: DebFacts): string {
  return `Package: ${SERVICE}
Version: ${version}
Section: net
Priority: optional
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${installedKib}
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: libc6 (>= 2.31), libgcc-s1 (>= 3.3)
Recommends: libssl3
Suggests: bash-completion, prometheus
Description: bounded queues between fast callers and slow work
 mevent takes bursts of requests over TCP, UDP, Unix sockets and HTTP into
 bounded queues, answers BUSY where they are full, and has plugins written in
 TypeScript work them off, each at its own pace: with retries, delays, timers,
 dead letters, and journals that survive a crash.
`;
}

const UNIT = `${SERVICE}.service`;

/** What dpkg runs at an installation and so on, as debhelper writes it for a service that starts when it is installed. */
export const SCRIPTS: Readonly<Record<"postinst" | "prerm" | "postrm", string>> = {
  postinst: `#!/bin/sh
set -e

case "$1" in
  configure|abort-upgrade|abort-deconfigure|abort-remove)
    # Whether it is started at boot is remembered over a removal.
    deb-systemd-helper unmask ${UNIT} >/dev/null || true
    if deb-systemd-helper --quiet was-enabled ${UNIT}; then
      deb-systemd-helper enable ${UNIT} >/dev/null || true
    else
      deb-systemd-helper update-state ${UNIT} >/dev/null || true
    fi
    if [ -d /run/systemd/system ]; then
      systemctl --system daemon-reload >/dev/null || true
      if [ -n "$2" ]; then action=restart; else action=start; fi
      deb-systemd-invoke "$action" ${UNIT} >/dev/null || true
    fi
    ;;
esac

exit 0
`,
  prerm: `#!/bin/sh
set -e

# An upgrade leaves it running until the new one is there.
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop ${UNIT} >/dev/null || true
fi

exit 0
`,
  postrm: `#!/bin/sh
set -e

if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
fi

if [ "$1" = purge ]; then
  if command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper purge ${UNIT} >/dev/null || true
    deb-systemd-helper unmask ${UNIT} >/dev/null || true
  fi
  # Of a service with DynamicUser the second is a link to the first.
  rm -rf /var/lib/private/${SERVICE} /var/lib/${SERVICE}
fi

exit 0
`,
};

/** What lintian would say, and why it stays so. */
export const LINTIAN_OVERRIDES =
  `# deno compile puts the program behind the runtime's sections: strip would cut it off.
${SERVICE}: unstripped-binary-or-object [usr/bin/${SERVICE}]
# The runtime carries its own, as Deno builds it.
${SERVICE}: embedded-library *
${SERVICE}: hardening-no-fortify-functions [usr/bin/${SERVICE}]
# The project is no person with a mailbox.
${SERVICE}: bogus-mail-host Maintainer *
${SERVICE}: bogus-mail-host-in-debian-changelog *
# It is built by its own project, not for Debian's archive.
${SERVICE}: initial-upload-closes-no-bugs [usr/share/doc/${SERVICE}/changelog.gz:1]
`;

/** The licence as Debian wants it. */
export function copyrightText(licence: string): string {
  const [title = "", holder = "", ...terms] = licence.split(/\n{2,}/);
  const body = terms.join("\n\n").trimEnd().split("\n").map((line) => line === "" ? " ." : ` ${line}`).join(
    "\n",
  );
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ${SERVICE}

Files: *
Copyright: ${holder.replace(/^Copyright \(c\) /i, "")}
License: ${title.startsWith("MIT") ? "Expat" : title}
${body}
`;
}
