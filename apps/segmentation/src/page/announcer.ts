/** Says things politely to people who cannot see the page: an element of its own beside the page. */
export function announcer(): (message: string) => void {
  const region = document.createElement('p');
  region.className = 'hidden';
  region.id = 'announcements';
  region.setAttribute('role', 'status');
  document.body.append(region);
  return (message) => {
    // an equal text is no change, and would not be read again
    region.textContent = region.textContent === message ? `${message}\u00a0` : message;
  };
}
