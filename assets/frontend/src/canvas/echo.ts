/** Tells what the script says of its own from the echo of what the canvas has told it. */

export class Echo<Value> {
  private readonly sent: string[] = [];
  private heard: string;

  constructor(
    first: Value,
    private current: Value = first,
  ) {
    this.heard = JSON.stringify(first);
  }

  /** The canvas has told the script a value. */
  tells(value: Value): void {
    this.sent.push(JSON.stringify(value));
    this.current = value;
  }

  /** Whether a value that the script sends is news: neither what it said before, nor what it was told, nor what holds. */
  isNews(value: Value): boolean {
    const said = JSON.stringify(value);
    if (said === this.heard) return false; // a script run for another reason
    this.heard = said;
    const told = this.sent.indexOf(said);
    this.sent.splice(0, told >= 0 ? told + 1 : this.sent.length);
    if (told >= 0 || said === JSON.stringify(this.current)) return false;
    this.current = value;
    return true;
  }

  /** Whether the script has to be told this value. */
  isUntold(value: Value): boolean {
    return JSON.stringify(value) !== JSON.stringify(this.current);
  }
}
