// Turns the waiting changesets into versions and changelogs: `changeset version`. Before the first release, nobody has used what most changesets
// changed, so that release gets the texts of `release/first-release.md` instead. This script runs at any time, whatever changesets wait. It also writes the
// badges of the READMEs.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFirstChangelogs } from './release/first-changelogs.mjs';
import { UNRELEASED, writeReleaseStatus } from './release/release-status.mjs';
import { publicPackages } from './public-packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const before = new Map(publicPackages(root).map(({ name, manifest }) => [name, manifest.version]));
execFileSync(join(root, 'node_modules', '.bin', 'changeset'), ['version'], { cwd: root, stdio: 'inherit' });
if ([...before.values()].every((version) => version === UNRELEASED)) writeFirstChangelogs(root);
writeReleaseStatus(root, before);
