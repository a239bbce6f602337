import { Injectable, Req, UseGuards } from '@nestjs/common';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import jwksRsa from 'jwks-rsa';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { createNestApp } from '../../../nestjs-app.ts';
import { answerFrom, type Answer } from '../answer.ts';
import { setting } from '../listen.ts';
import { serve, wantedPlatform } from './serve.ts';

type Claims = Readonly<Record<string, unknown>>;

const issuer = setting('ISSUER_BASE_URL');

class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({
      secretOrKeyProvider: jwksRsa.passportJwtSecret({ jwksUri: `${issuer}/jwks`, cache: true, rateLimit: true }),
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      issuer,
      audience: setting('AUDIENCE'),
      algorithms: ['RS256'],
    });
  }

  validate(claims: Claims): Claims {
    return claims;
  }
}

class Me {
  me({ user }: { readonly user: Claims }): Answer {
    return answerFrom(user);
  }
}

Injectable()(JwtStrategy);
UseGuards(AuthGuard('jwt'))(Me);
Req()(Me.prototype, 'me', 0);

await serve(await createNestApp(wantedPlatform(), Me, { imports: [PassportModule], providers: [JwtStrategy] }));
