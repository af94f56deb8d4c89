/** Small line drawings of 16 by 16. */

const PATHS = {
  add: "M8 3v10M3 8h10",
  undo: "M6 4 3 7l3 3M3 7h6.5a3.5 3.5 0 0 1 0 7H7",
  redo: "m10 4 3 3-3 3M13 7H6.5a3.5 3.5 0 0 0 0 7H9",
  tidy: "M2.5 2.5h4v3h-4zM9.5 6.500h4v3h-4zM2.5 10.500h4v3h-4zM6.5 4h3v4M9.5 8h-3v4",
  down: "M8 2.500v11M4.5 10 8 13.500l3.5-3.5",
  right: "M2.5 8h11M10 4.5 13.5 8 10 11.5",
  shapes: "M2 8h2.500M11.5 8H14M5 5.500h6v5H5z",
  find: "M2.5 3.500h11M2.5 8h4M2.5 12.500h3M10.5 7a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.400zM12.5 11.700l1.8 1.8",
  zoomOut: "M7 2.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.300l3.4 3.400M5 7h4",
  zoomIn: "M7 2.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.300l3.4 3.400M5 7h4M7 5v4",
  fit: "M2.5 6V2.500H6M10 2.500h3.500V6M13.5 10v3.500H10M6 13.500H2.500V10M6 6h4v4H6z",
  full: "M9.5 2.500h4v4M13.5 2.500l-4 4M6.5 13.500h-4v-4M2.5 13.500l4-4",
  picture: "M2.5 3h11v10h-11zM2.5 11l3.500-3.500 3 3 2-2 2.500 2.500M10.300 6v.3",
  help: "M5.5 6a2.5 2.5 0 1 1 3.6 2.200C8.3 8.6 8 9 8 10M8 12.500v.4",
  open: "M6 3.5 10.5 8 6 12.5",
  up: "M8 13V3.500M4 7.500l4-4 4 4",
  close: "m4 4 8 8M12 4l-8 8",
  error: "M8 1.500a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 4.500v4.500M8 11v.5",
  warning: "M8 2 14.5 13.500h-13zM8 6.500v3.500M8 11.500v.5",
  frozen: "M8 1.500v13M2.4 4.800l11.2 6.400M13.6 4.8 2.4 11.2",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
