// The one socket to the engine. At most one request is in flight; of those that wait, the newest of each kind wins.

export class Link extends EventTarget {
  #socket = null;
  #flying = null;
  #waiting = new Map();
  #retry = null;

  constructor(address) {
    super();
    this.address = address;
    this.#connect();
  }

  /** Ask the engine; resolves to its answer, or to null if a newer request took this one's place. */
  ask(room, ask, state) {
    return new Promise((resolve) => {
      const kind = `${room} ${ask}`;
      this.#waiting.get(kind)?.resolve(null);
      this.#waiting.delete(kind); // a newer one goes to the end of the line
      this.#waiting.set(kind, { text: JSON.stringify({ room, ask, state }), resolve });
      this.#next();
    });
  }

  #connect() {
    this.#retry = null;
    this.#socket = new WebSocket(this.address);
    this.#socket.addEventListener("open", () => {
      this.#say("");
      this.#next();
    });
    this.#socket.addEventListener("message", ({ data }) => {
      const { resolve } = this.#flying ?? { resolve: ({ error }) => error && this.#say(error.message) };
      this.#flying = null;
      resolve(JSON.parse(data));
      this.#next();
    });
    this.#socket.addEventListener("close", ({ code }) => {
      const lost = this.#flying;
      this.#flying = null;
      const message = code === 1009 ? "this is too large to be sent" : "the connection was lost; it is tried again";
      lost?.resolve({ error: { entry: "", message, column: null, lost: code !== 1009 } });
      if (code !== 1009 && code !== 1013)
        this.#say("The server does not answer. Is it running? (python -m demos explorer)");
      this.#retry ??= setTimeout(() => this.#connect(), code === 1013 ? 5000 : 700);
    });
  }

  #say(message) {
    this.dispatchEvent(new CustomEvent("said", { detail: message }));
  }

  #next() {
    if (!this.#flying && this.#socket.readyState === WebSocket.OPEN && this.#waiting.size) {
      const [kind, request] = this.#waiting.entries().next().value;
      this.#waiting.delete(kind);
      this.#flying = request;
      this.#socket.send(request.text);
    }
    document.documentElement.toggleAttribute("data-asking", this.#flying !== null || this.#waiting.size > 0); // for tests
  }
}
