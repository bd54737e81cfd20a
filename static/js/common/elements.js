// Finds elements of a page, as the types that a script works with.

/**
 * Find the first element that matches; throw where the page has none of that type.
 * @overload
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
/**
 * @template {Element} E
 * @overload
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => E} type
 * @returns {E}
 */
/**
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => Element} type
 * @returns {Element}
 */
export function find(root, selector, type = HTMLElement) {
  const element = root.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} at ${selector}`);
  return element;
}

/**
 * Find all elements that match and are of a type.
 * @overload
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
/**
 * @template {Element} E
 * @overload
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => E} type
 * @returns {E[]}
 */
/**
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => Element} type
 * @returns {Element[]}
 */
export function findAll(root, selector, type = HTMLElement) {
  return [...root.querySelectorAll(selector)].filter((element) => element instanceof type);
}

/**
 * Find an element that some pages leave out.
 * @overload
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
/**
 * @template {Element} E
 * @overload
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => E} type
 * @returns {E | null}
 */
/**
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => Element} type
 * @returns {Element | null}
 */
export function findOptional(root, selector, type = HTMLElement) {
  const element = root.querySelector(selector);
  return element instanceof type ? element : null;
}

/**
 * Find the element above an event's target, itself included, that matches.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest(event, selector) {
  const target = event.target instanceof Element ? event.target.closest(selector) : null;
  return target instanceof HTMLElement ? target : null;
}

/**
 * The token with which the server tells its own forms from forged ones.
 * @param {Document} page
 */
export function csrfToken(page = document) {
  return find(page, "meta[name=csrf-token]", HTMLMetaElement).content;
}
