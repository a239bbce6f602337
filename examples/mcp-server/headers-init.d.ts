/** Version 1 of the SDK uses the name from the DOM's types. */
declare type HeadersInit = ConstructorParameters<typeof Headers>[0];
