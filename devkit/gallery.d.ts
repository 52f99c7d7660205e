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

interface Filter {
  q?: string;
  visibility?: string;
  state?: string;
  format?: string;
  order?: string;
}

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

/** A row of the list; a heading has no boxes. `index` is that of the first picture. */
interface Row {
  top: number;
  height: number;
  group: string;
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
  isLoading: boolean;
  isStale: boolean;
}

/** Put before the service worker by `delivery/installation.py`. */
declare const OFFLINE_PAGE: string;
