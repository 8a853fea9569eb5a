/** What a caller may choose as the id of a destination or a connection. */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
