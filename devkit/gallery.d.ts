/** What the API returns, and what the gallery's modules share: for the type checker alone. */

interface Thumbnail {
  id: number;
  height: number;
  width: number;
  url: string;
}

/** What a list returns of each picture. */
interface Picture {
  id: number;
  /** The uploader's file name, perhaps empty. */
  name: string | null;
  /** As it is shown. */
  width: number;
  height: number;
  created_at: string;
  updated_at: string;
  visibility: "private" | "members" | "public";
  description: string;
  is_active: boolean;
  state: "pending" | "ready" | "failed";
  failure: string | null;
  thumbhash: string | null;
  dominant_color: string | null;
  /** Smallest first. */
  thumbnails: Thumbnail[];
}

interface Details extends Picture {
  image: string;
  bytes: number;
  format: string;
  clean_copy: "ready" | "rendition" | null;
}

interface Reveal {
  format: string;
  width: number;
  height: number;
  bytes: number;
  name: string;
  dropped: { group: string; name: string }[];
}

interface PictureLink {
  id: number;
  image_id: number;
  url: string;
  created_at: string;
  expires_at: string;
  revoked_at: string | null;
  max_opens: number | null;
  opens: number;
  last_opened_at: string | null;
  has_password: boolean;
  note: string;
  is_live: boolean;
}

interface Tier {
  name: string;
  heights: number[];
  grants_original: boolean;
  grants_links: boolean;
  link_min_seconds: number;
  link_max_seconds: number;
  max_upload_bytes: number;
  max_pictures: number | null;
  max_stored_bytes: number | null;
}

interface Account {
  id: string;
  username: string;
  name: string;
  email: string;
  tier: Tier;
  planned_changes?: { at: string | null; takes: string[]; tier: Tier }[];
  is_staff: boolean;
}

interface Usage {
  pictures: number;
  originals_bytes: number;
  thumbnails_bytes: number;
  other_bytes: number;
  stored_bytes: number;
}

interface Session {
  id: string;
  scheme: string;
  created_at: string;
  last_used_at: string;
  address: string | null;
  agent: string;
  name: string;
  scopes: string[];
  is_current: boolean;
}

interface LogEntry {
  id: number;
  at: string;
  kind: string;
  summary: string;
  by: "you" | "staff" | "nobody";
  address: string | null;
  agent: string;
}

interface Site {
  name: string;
  signup: "open" | "invite" | "closed";
  password_reset: boolean;
}

interface PictureEvent {
  id: number;
  type: string;
  at: string;
  picture?: {
    id: number;
    width: number;
    height: number;
    created_at: string;
    updated_at: string;
    visibility: Picture["visibility"];
    description: string;
    is_active: boolean;
    thumbnails: Picture["state"];
  };
}

/** What the list's address may have in its query. */
type Filter = Partial<Record<string, string>>;

/** What an address names: a page, and what is open on it. */
interface Place {
  page: "pictures" | "links" | "account";
  dialog: "" | "viewer" | "details" | "links" | "delete-account";
}

interface Route extends Place {
  id: number | null;
  query: URLSearchParams;
  path: string;
}

/** Where a tile is drawn in its row, in pixels. */
interface Box {
  id: number;
  left: number;
  width: number;
}

/** A date above the pictures of a group; `index` is that of the first. */
interface Heading {
  top: number;
  group: string;
  index: number;
}

/** A row of the list; `index` is that of the first picture. */
interface Row {
  top: number;
  height: number;
  heading: Heading;
  index: number;
  boxes: Box[];
}

interface Tile {
  element: HTMLElement;
  button: HTMLButtonElement;
  box: HTMLInputElement;
  picture: Picture | null;
  row: Row | null;
  /** Of the list; -1 where there are more. */
  total: number;
  width: number;
  /** Only its colour is drawn. */
  isBare: boolean;
  isLoading: boolean;
  isStale: boolean;
}

/** Put before the service worker by `delivery/installation.py`. */
declare const OFFLINE_PAGE: string;

/** The element that a selector's last part names: `.row > button.primary` is a button. */
type Named<Name> = Name extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[Name] : HTMLElement;
type Until<Text extends string, End extends string> = Text extends `${infer Head}${End}${string}` ? Head : Text;
type Found<Selector extends string> = Selector extends `${string} ${infer Rest}`
  ? Found<Rest>
  : Named<Until<Until<Until<Until<Selector, "[">, ".">, "#">, ":">>;

/** The page's elements are all HTML's, but for its icons, which nobody looks for. */
interface ParentNode {
  querySelector<Selector extends string>(selector: Selector): Found<Selector> | null;
  querySelectorAll<Selector extends string>(selector: Selector): NodeListOf<Found<Selector>>;
}
interface Element {
  closest<Selector extends string>(selector: Selector): Found<Selector> | null;
}

/** Returns the element that the page must have. */
type Find = <Selector extends string>(selector: Selector, root?: ParentNode) => Found<Selector>;
/** Returns a field of a form by its name. */
type FindField = (form: HTMLFormElement, name: string) => HTMLInputElement;
/** Returns what a selector names around an event's target. */
type Closest = <Selector extends string>(event: Event, selector: Selector) => Found<Selector> | null;
/** Show a text in an element, which is hidden where the text is empty. */
type ShowText = (element: HTMLElement, text: string | null | undefined) => void;
/** By the name that a button has in `data-action`. */
type Actions = Record<string, (button: HTMLElement) => unknown>;
/** Call the action that a clicked button names. */
type HandleActions = (root: HTMLElement, actions: Actions) => void;

interface ApiResponse<Body> {
  body: Body;
  lastEventId: number;
  /** The path of the next page (RFC 8288), null where there is none. */
  next: string | null;
}
/** `path` is absolute, or below the API. */
type MakeRequest = (path: string, options?: RequestInit) => Promise<ApiResponse<any>>;
type Read = (path: string) => Promise<any>;
type Send = (method: string, path: string, json?: object, options?: RequestInit) => Promise<any>;
type Next = string | null;

/** Each rejects with an ApiError. `next` is of the page before; without it, the first page comes. */
interface Api {
  /** `form` has `username` and `password`. */
  signIn(form: FormData): Promise<void>;
  signOut(): Promise<void>;
  fetchLastEventId(): Promise<number>;
  fetchSite(): Promise<Site>;

  fetchPictures(
    filter: Filter & { created_after?: string }, next?: Next, limit?: number,
  ): Promise<ApiResponse<Picture[]>>;
  fetchPicture(id: number): Promise<Details>;
  findByDigest(sha256: string): Promise<{ id: number }[]>;
  changePicture(id: number, change: object): Promise<Details>;
  activatePicture(id: number): Promise<void>;
  /** `isLeaving`: the page goes away meanwhile. */
  deletePictures(ids: number[], isLeaving?: boolean): Promise<void>;
  changeVisibility(ids: number[], visibility: string): Promise<{ changed: number[] }>;
  archiveUrl(ids: number[]): string;
  /** Rejects where no archive can be had. */
  checkArchive(ids: number[]): Promise<unknown>;
  fetchReveals(id: number): Promise<Reveal>;

  fetchLinks(
    filter: { image_id?: number; live?: boolean }, next?: Next,
  ): Promise<ApiResponse<PictureLink[]>>;
  createLink(link: object): Promise<PictureLink>;
  qrCodeUrl(id: number): string;
  revokeLink(id: number): Promise<void>;
  revokeLinks(): Promise<{ revoked: number }>;

  fetchAccount(): Promise<Account>;
  changeAccount(change: object): Promise<Account>;
  changePassword(current_password: string, new_password: string): Promise<void>;
  deleteAccount(password: string): Promise<{ pictures: number; links: number }>;
  exportUrl: string;
  fetchUsage(): Promise<Usage>;
  fetchSessions(next?: Next): Promise<ApiResponse<Session[]>>;
  fetchLog(next?: Next): Promise<ApiResponse<LogEntry[]>>;
  endSession(id: string): Promise<void>;
  endOtherSessions(): Promise<{ ended: number }>;
  createToken(token: object): Promise<Session & { token: string }>;

  /** `key` makes a repeated upload harmless; `onProgress` receives the share sent, from 0 to 1. */
  uploadPicture(
    file: File, key: string, onProgress: (share: number) => void, signal: AbortSignal,
  ): Promise<{ id: number; image: string }>;
}

interface Store {
  /** `listener` is called once after any number of changes: before `from` the list is as it was. */
  subscribe(listener: (from: number) => void): void;
  list(): Picture[];
  /** Not one that is about to be deleted. */
  get(id: number): Picture | undefined;
  /** -1 where it is not in the list. */
  indexOf(id: number): number;
  /** The picture before (-1) or after (1) another, undefined at the end. */
  neighbour(id: number, step: number): Picture | undefined;
  ids(): number[];
  pending(): number[];
  hasMore(): boolean;
  isLoaded(): boolean;
  getFilter(): Filter;
  isFiltered(): boolean;
  /** Show other pictures, or the same in another order; `loadMore` fetches them. */
  setFilter(given: Filter): void;
  /** Load the first page, or the next; one at a time. */
  loadMore(limit?: number): Promise<void>;
  /** Take over what the API returned. */
  merge(rows: Picture[]): void;
  /** Show what an event says of a picture that is new, until the API is asked. */
  announce(facts: NonNullable<PictureEvent["picture"]>): void;
  update(id: number, change: Partial<Picture>): void;
  hide(ids: number[]): void;
  unhide(ids: number[]): void;
  remove(ids: number[]): void;
}

interface PictureSelection {
  ids(): number[];
  size(): number;
  has(id: number): boolean;
  toggle(id: number): void;
  /** Select all from where the last one was selected to another. */
  extend(id: number): void;
  set(ids: number[]): void;
  /** All that are loaded. */
  selectAll(): void;
  clear(): void;
  start(onDelete: (ids: number[]) => void, onChanged: () => void): void;
}

/** Returns a text, or a message of the page, with its {placeholders} filled. */
type Translate = (text: string, values?: Record<string, string | number>) => string;
type FormatUnit = (value: number, unit: string, unitDisplay?: "long" | "short") => string;

/** `middle` is a channel's mean, `scale` the most that a wave of it adds. */
type Channel = (middle: number, scale: number, columns: number, rows: number) => Float32Array;
/** Begin to load the thumbnail that fits the tile and the screen. */
type LoadImage = (tile: Tile, onLoaded: () => void) => void;
/** Show a picture's facts, or its colour alone; `loadImages` shows the picture. */
type ShowFacts = (tile: Tile, picture: Picture, isBare: boolean) => void;
/**
 * Load what is on the screen first, and what is near it only after that. `top` is how far the list is
 * scrolled, `screen` the height of what is seen of it.
 */
type LoadImages = (tiles: Tile[], top: number, screen: number) => void;

/** The pictures below a heading; `index` is that of the first. */
interface Group {
  section: HTMLElement;
  heading: HTMLElement;
  list: HTMLElement;
  index: number;
}
type CreateGroup = (container: HTMLElement, name: string, index: number) => Group;
interface Groups {
  /** The heading below which a picture stands. */
  nameOf(createdAt: string, today: Date): string;
  listOf(name: string): HTMLElement | undefined;
  /** Draw the headings that some rows stand below, and no others. */
  show(container: HTMLElement, rows: Row[]): void;
  /** Have tiles in the order of the list, for those who hear or tab through it; Tab reaches one alone. */
  keepOrder(tiles: Map<number, Tile>, active: number | null): void;
}

/** A picture at the top of the screen, and how far down it is. */
interface Anchor {
  id: number;
  down: number;
}

interface Grid {
  /** Draw the list anew, after the width of the page changed, or the list from a place on. */
  refresh(from?: number): void;
  /** Draw it anew, after the selection changed. */
  render(): void;
  topmost(): Anchor | null;
  /** Scroll a picture to where it was. */
  restore(place: Anchor): void;
  /** The picture of the tile that an event happened in. */
  idOf(event: Event): number | null;
  /** Focus a picture, scrolled into sight, or the heading above them all where it is gone. */
  focus(id: number | null): void;
  /** The picture some rows above or below another. */
  vertical(id: number, step: number): number | undefined;
  rowsOnScreen(): number;
  /** How far below the screen the list ends. */
  left(): number;
  /** `onStale` is called where the URLs of a picture have expired, `onDrawn` after each drawing. */
  start(handlers: { onStale: (id: number) => void; onDrawn: (isFast: boolean) => void }): void;
}

type ListenToGrid = (onOpen: (id: number) => void, onDelete: (ids: number[]) => void) => void;
/** Returns whether the key meant something. */
type HandleKey = (event: KeyboardEvent, id: number, onDelete: (ids: number[]) => void) => boolean;
/** Returns the picture to which a key leads from another. */
type Destination = (key: string, id: number) => number | undefined;

/** `isNew`: another page was shown before; else only what could not be loaded is. */
type ShowRoute = (route: Route, isNew: boolean) => void;

/** Returns undefined where an address is none of ours. */
type Parse = (url: { pathname: string; search: string }) => Route | undefined;
/**
 * Bind a modal dialog to the addresses that have it open: closed, it leads back to where it was opened
 * from, `parentOf` the address. What is returned opens or closes it, and tells whether it was opened.
 */
type BindDialog = (
  dialog: HTMLDialogElement, isOpenIn: (route: Route) => boolean, parentOf: (route: Route) => string,
) => (route: Route) => boolean;

type CopyAndSay = (field: HTMLInputElement, button: HTMLElement) => Promise<void>;
/** Have the QR code there, which is lazily loaded: when somebody unfolds it. */
type SetQrCode = (root: HTMLElement, link: PictureLink) => void;
/** `undoHandler` is called once the pictures are back. */
type DeleteSoon = (ids: number[], undoHandler: () => void) => void;
type CreateLinkItem = (link: PictureLink, onRevoked: (id: number) => void) => HTMLElement;
/** Change what is shown, then say so. */
type ChangePicture = (work: (id: number) => Promise<Details>, done: string) => Promise<void>;

/** `work` receives the values of the fields, and returns what to say when it is done. */
type HandleForm = (
  form: HTMLFormElement, work: (valueOf: (name: string) => string) => Promise<string>,
) => void;

interface Zoom {
  /** Apply it to another image. */
  apply(): void;
  reset(): void;
  toggle(): void;
  /** Returns whether a key meant something. */
  handleKey(key: string): boolean;
}
type CreateZoom = (
  stage: HTMLElement,
  parts: { image: () => HTMLImageElement; onSwipe: (step: number) => void; onZoom: () => void },
) => Zoom;
type Place2D = Pick<MouseEvent, "clientX" | "clientY">;
interface StageImage {
  zoom: Zoom;
  describe(text: string): void;
  showPreview(text: string, url?: string): void;
  /** Show the picture as soon as it is loaded; until then its preview stands there. */
  show(picture: Details): Promise<void>;
}
type CreateStageImage = (
  stage: HTMLElement, problem: HTMLElement, onSwipe: (step: number) => void,
) => StageImage;
/** Returns the image once it can be shown, undefined where it cannot. */
type LoadFor = (url: string | undefined, alt: string) => Promise<HTMLImageElement | undefined>;
/** Make a new element: an old one would show its former picture until the new one is loaded. */
type MakeImage = (alt: string, src?: string, className?: string) => HTMLImageElement;

interface Upload {
  file: File;
  row: HTMLElement;
  bar: HTMLProgressElement;
  status: HTMLElement;
  controller: AbortController;
  key: string;
  digest: string;
  /** A picture of the same bytes. */
  sameAs?: number;
  /** Though it is there already. */
  isWanted: boolean;
  /** Is called once the service has it, or somebody gave it up. */
  onDone: () => void;
  /** How often it was refused for a while, or got no answer. */
  tries: number;
}
type UploadRequest = Pick<Upload, "file"> & Partial<Pick<Upload, "key" | "isWanted" | "onDone">>;
type MakeUpload = (request: UploadRequest) => Upload;
interface UploadHandlers {
  onStored(picture: { id: number }): void;
  onSessionEnd(): void;
}
interface Uploads {
  start(handlers: UploadHandlers): void;
  enqueue(files: File[], more?: { key: string; onDone: () => void }): void;
  /** Remove every row and abort what is being sent. */
  clear(): void;
  /** Go on with what waits for the connection. */
  resume(): void;
}

interface Connection {
  isOffline(): boolean;
  /** Upload what was shared, perhaps before somebody was signed in. */
  takeShared(): Promise<void>;
  /** Keep nothing that was shared. */
  forgetShared(): Promise<void>;
  /** `onBack` is called when the service answers again. */
  start(onAway: () => void, onBack: () => void): void;
}

type ListenForFiles = (isEnabled: () => boolean, onFiles: (files: File[]) => void) => void;

/** `since` is the id of the last event that the page already shows. */
type FollowEvents = (
  since: number,
  handlers: {
    onEvent(event: PictureEvent): void;
    onSessionEnd(): void;
    /** Each time the socket closes or cannot be opened. */
    onDisconnect(): void;
  },
) => {
  isOpen(): boolean;
  /** Connect now, where the next attempt is scheduled for later. */
  reconnect(): void;
  stop(): void;
};
/**
 * Poll for as long as something is awaited that no socket reports, as `isNeeded` tells; `poll` must not
 * reject; `wake` polls again soon, if needed.
 */
type CreatePoller = (
  isNeeded: () => boolean, poll: () => Promise<void>,
) => { wake(): void; stop(): void };

type RunAction = (work: () => Promise<void>) => Promise<void>;

interface PictureList {
  /** Load the first page of what the address asks for, before anything is shown. */
  load(): Promise<void>;
  show(route: Route): Promise<void>;
  showPage(isVisible: boolean): void;
  /** `isFast`: the list is scrolled past. */
  loadAhead(isFast?: boolean): void;
  /** Keep nothing of this account in the browser. */
  forget(): void;
  start(runner: RunAction): void;
}

/**
 * Pictures of one group follow one another. Measures are in pixels. Rows of `before` stay that the
 * pictures from the place `from` on cannot change.
 */
type LayOut = (
  list: Picture[],
  measures: {
    width: number;
    rowHeight: number;
    gap: number;
    headingHeight: number;
    groupOf: (picture: Picture) => string;
  },
  before?: Row[],
  from?: number,
) => Row[];
type RowsBetween = (rows: Row[], from: number, to: number) => Row[];
/** Returns the picture some rows above or below another. */
type BesideInRows = (rows: Row[], id: number, step: number) => number | undefined;

type Texts = Record<number, string>;
/** Do some work; show why it failed: of some statuses, texts of their own. */
type Attempt = (problem: HTMLElement, work: () => unknown, texts?: Texts) => Promise<void>;
type HandleSubmit = (form: HTMLFormElement, work: () => Promise<void>, texts?: Texts) => void;

type Failure = Pick<import("../static/js/api.js").ApiError, "status" | "body" | "retryAfter">;

/** Returns what to say of a failed request; the page is left where the session has ended. */
type FailureText = (error: unknown) => string;
/** Translate a message by the template's list; one that is not listed stays as it is. */
type TranslateMessage = (message: string) => string;
/** The name of a placeholder says what its value counts. */
type FormatValue = (name: string, value: string) => string | number;
/** Returns why a request failed: the API's own message where it gives one. */
type ErrorMessage = (error: Failure) => string;
/** What its owner says it shows, else its name, else its number. */
type TitleOf = (picture: Picture) => string;
/** Show what is another than before; what is being typed stays. */
type FillForm = (picture: Details, before: Details | null) => void;
/** Say what whoever gets a link would see of the file, and what stays behind. */
type ShowReveals = (id: number) => Promise<void>;
/** Returns why a picture failed, and what can be done. */
type FailureOf = (failure: string | null) => string;
/** Returns the browser and system that a User-Agent names, else its first letters. */
type DescribeAgent = (agent: string) => string;
/** Close what is open: go back where it was opened from `parent`, so that Back does not open it again. */
type Close = (parent: string) => void;
/** A picture's address keeps the search that it was found by. */
type WithQuery = (path: string) => string;
/** Returns an aspect ratio that a row can hold; what is beyond it is cropped. */
type BoundedAspect = (picture: Picture) => number;
/** Load pages until one has a picture, so that its neighbours are known. */
type LoadUntil = (id: number) => Promise<void>;
/** Show a neighbour, or the list, where the picture shown is gone. */
type Leave = (id: number) => void;
/** Copy the text of a field; returns whether the browser did. */
type CopyText = (field: HTMLInputElement) => Promise<boolean>;
/** What is typed and not saved: what is unchanged here may be changed elsewhere meanwhile. */
type Typed = () => Record<string, string>;
/** Show the colours of the picture, which cost a moment to draw. */
type ShowPlaceholder = (tile: Tile) => void;
/** Fetch all since the oldest of those that are asked for, ids with the times of their making. */
type FetchMany = (asked: Map<number, string>) => Promise<void>;
/** Offer the times that the plan allows alone. */
type ShowBounds = (tier: Tier) => void;
/** Choose which pictures the list shows. */
type SetQuery = (query: string[][]) => void;
/** Returns a data URL of what a ThumbHash in base64 shows. */
type ThumbhashUrl = (thumbhash: string) => string;
/** Fetch the picture's facts, then the picture. */
type LoadDetails = (id: number) => Promise<void>;
/** Returns a new copy of a template's only element. */
type Clone = (id: string) => HTMLElement;
/** What is at a place stays there. */
type ZoomTo = (to: number, at?: Place2D) => void;
