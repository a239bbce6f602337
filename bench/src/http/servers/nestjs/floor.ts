import { Req, UnauthorizedException, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { createNestApp } from '../../../nestjs-app.ts';
import type { Answer } from '../answer.ts';
import { createFloor } from '../floor.ts';
import { serve, wantedPlatform } from './serve.ts';

interface MeRequest {
  readonly headers: { readonly authorization?: string };
  me?: Answer;
}

const floor = createFloor();

class FloorGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = context.switchToHttp().getRequest<MeRequest>();
    const { authorization } = request.headers;
    const known = floor.known(authorization);
    if (!known) return floor.verified(authorization).then((me) => admit(request, me));
    return admit(request, known);
  }
}

function admit(request: MeRequest, me: Answer | undefined): boolean {
  if (!me) throw new UnauthorizedException();
  request.me = me;
  return true;
}

class Me {
  me({ me }: Required<MeRequest>): Answer {
    const { subject, issuer, clientId, scopes, roles } = me;
    return { subject, issuer, clientId, scopes, roles };
  }
}

UseGuards(FloorGuard)(Me);
Req()(Me.prototype, 'me', 0);

await serve(await createNestApp(wantedPlatform(), Me));
