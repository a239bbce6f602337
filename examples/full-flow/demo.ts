import { readArguments, USAGE } from './arguments.ts';
import { ORDERS_WEB } from './cast.ts';
import { sentenceOf } from './demo-error.ts';
import { createScreen, type Screen } from './screen.ts';
import { serve } from './serve.ts';
import { setStage } from './stage.ts';
import * as gettingAToken from './steps/1-getting-a-token.ts';
import * as refusals from './steps/2-refusals.ts';
import * as expiryAndRefresh from './steps/3-expiry-and-refresh.ts';
import * as keyRotation from './steps/4-key-rotation.ts';
import * as logout from './steps/5-logout.ts';
import * as webApp from './steps/6-web-app.ts';
import * as outage from './steps/7-outage.ts';
import { startWorld, type World } from './world.ts';

/** Runs the story from top to bottom. Each call is a numbered step that checks its own result. Returns the number of steps. */
async function runStory(world: World, screen: Screen): Promise<number> {
  const stage = setStage(world, screen);
  const { story } = stage;

  story.chapter('Getting an access token');
  const app = await gettingAToken.discover(stage);
  const login = await gettingAToken.requestAuthorization(stage, app);
  const consentPage = await gettingAToken.authenticate(stage, login);
  const answer = await gettingAToken.consent(stage, login, consentPage);
  const tokens = await gettingAToken.exchangeCode(stage, login, answer);
  await gettingAToken.lookInside(stage, login, tokens);
  await gettingAToken.firstCall(stage, tokens);

  story.chapter('What the API refuses');
  await refusals.withoutToken(stage);
  await refusals.tampered(stage, tokens);
  await refusals.otherAudience(stage);
  await refusals.otherIssuer(stage);
  await refusals.idToken(stage, tokens);
  await refusals.scopeNotGranted(stage, tokens);

  story.chapter('Tokens expire and are refreshed');
  const kiosk = await expiryAndRefresh.expiry(stage);
  const renewedKiosk = await expiryAndRefresh.refresh(stage, kiosk);
  await expiryAndRefresh.reuse(stage, kiosk, renewedKiosk);

  story.chapter('Keys change');
  const renewed = await keyRotation.rotation(stage, app, tokens);
  await keyRotation.withdrawal(stage, tokens, renewed);

  story.chapter('Logging out');
  const sessions = await logout.logout(stage, renewed);
  await logout.loginAgain(stage, sessions);
  await logout.revokedRefreshToken(stage);

  story.chapter('A web app: the browser gets a cookie, and no token');
  const visit = await webApp.logIn(stage);
  await webApp.call(stage, visit);
  await webApp.callWithoutHeader(stage, visit);
  await webApp.refresh(stage, visit);
  await webApp.stepUp(stage, visit);
  await webApp.logout(stage, visit);
  await webApp.logoutElsewhere(stage);

  story.chapter('The authorization server goes down');
  await outage.cachedKeysStayInUse(stage, renewed);
  await outage.unknownKey(stage, renewed);

  return story.stepsPassed;
}

async function run(screen: Screen): Promise<void> {
  const { serve: staysOpen, portBase, help } = readArguments(process.argv.slice(2), process.env);
  if (help) return screen.plain(USAGE);
  const start = performance.now();
  const world = await startWorld({
    portBase,
    webAppTokenSeconds: staysOpen ? ORDERS_WEB.accessTokenLifetimeSeconds : webApp.TOKEN_SECONDS,
    operatorScreen: staysOpen ? screen : undefined,
  });
  try {
    if (staysOpen) return await serve(world, screen);
    // a signal ends the web app too, which is a process of its own
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
    const steps = await runStory(world, screen);
    screen.title(`\nAll ${steps} steps passed, in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
  } finally {
    await world.close();
  }
}

// a program such as `head` closes the pipe when it has read enough
process.stdout.on('error', () => process.exit(1));

const screen = createScreen();
try {
  await run(screen);
} catch (error) {
  screen.failed(`\n${sentenceOf(error)}`);
  process.exitCode = 1;
}
