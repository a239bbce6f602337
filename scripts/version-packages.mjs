// Turns the waiting changesets into versions and changelogs: `changeset version`. Before the first release, nobody has used what most changesets
// changed, so that release gets the texts of `release/first-release.md` instead. It runs at any time, whatever changesets wait.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFirstChangelogs } from './release/first-changelogs.mjs';
import { publicPackages } from './public-packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const isFirst = publicPackages(root).every(({ manifest }) => manifest.version === '0.0.0');
execFileSync(join(root, 'node_modules', '.bin', 'changeset'), ['version'], { cwd: root, stdio: 'inherit' });
if (isFirst) writeFirstChangelogs(root);
