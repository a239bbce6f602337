import { CurrentAuth, TokenwardModule, type Auth } from '@tokenward/nestjs';
import { createNestApp } from '../../../nestjs-app.ts';
import type { Answer } from '../answer.ts';
import { serve, wantedPlatform } from './serve.ts';

class Me {
  me({ subject, issuer, clientId = null, scopes, roles }: Omit<Auth, 'clientId'> & { readonly clientId?: string | null | undefined }): Answer {
    return { subject, issuer, clientId, scopes, roles };
  }
}

CurrentAuth()(Me.prototype, 'me', 0);

// reads ISSUER_BASE_URL and AUDIENCE
await serve(await createNestApp(wantedPlatform(), Me, { imports: [TokenwardModule.forRoot()] }));
