import type { requestTexts } from '../../errors/texts/requests.ts';
import type { TextsFor } from '../../errors/texts.ts';

const nothingChanged = 'Es wurde nichts geändert.';

export const requests: TextsFor<typeof requestTexts> = {
  'error.not_found.title': 'Seite nicht gefunden',
  'error.not_found.text': ['Vielleicht enthält die Adresse einen Tippfehler, oder die Seite ist umgezogen.'],
  'error.not_understood.title': 'Wir konnten diese Anfrage nicht verstehen',
  'error.not_understood.text': [
    `Ihr Browser hat etwas gesendet, das diese Website nicht lesen kann. ${nothingChanged}`,
    'Gehen Sie zurück und versuchen Sie es erneut.',
  ],
  'error.wrong_method.title': 'Diese Seite lässt sich nicht direkt öffnen',
  'error.wrong_method.text': [nothingChanged],
  'error.too_slow.title': 'Ihre Verbindung war zu langsam',
  'error.too_slow.text': [
    `Es hat zu lange gedauert, bis Ihre Anfrage angekommen ist. Wir haben sie deshalb nicht verwendet. ${nothingChanged}`,
    'Bitte versuchen Sie es erneut.',
  ],
  'error.too_large.title': 'Das ist zu groß',
  'error.too_large.text': [
    `Sie haben mehr gesendet, als diese Website annimmt. ${nothingChanged}`,
    'Bitte senden Sie weniger und versuchen Sie es erneut.',
  ],
  'error.too_many_cookies.title': 'Zu viele Cookies für diese Website',
  'error.too_many_cookies.text': [
    'Ihr Browser hat mehr gesendet, als diese Website annimmt, meistens weil er zu viele Cookies für diese Adresse gespeichert hat.',
    'Löschen Sie die Cookies dieser Website in den Einstellungen Ihres Browsers und öffnen Sie die Seite dann erneut.',
    'In den meisten Browsern führt das Symbol links neben der Adresse zu „Cookies und Websitedaten“.',
  ],
  'error.wrong_type.title': 'Wir konnten dieses Formular nicht lesen',
  'error.wrong_type.text': [
    `Es wurde in einem Format gesendet, das diese Website nicht annimmt. ${nothingChanged}`,
    'Öffnen Sie die Seite erneut, füllen Sie das Formular aus und senden Sie es noch einmal.',
  ],
  'error.other_site.title': 'Wir haben diese Anfrage blockiert',
  'error.other_site.text': [
    `Sie kam von einer anderen Website, deshalb haben wir sie nicht beachtet. ${nothingChanged}`,
    'Wenn Sie selbst auf dieser Website eine Schaltfläche gewählt haben, öffnen Sie die Seite erneut und versuchen Sie es noch einmal.',
  ],
  'error.too_many.title': 'Zu viele Anfragen',
  'error.too_many.text.one':
    'Aus Ihrem Netzwerk kamen zu viele Anfragen. Warten Sie {count} Sekunde und versuchen Sie es dann erneut.',
  'error.too_many.text.other':
    'Aus Ihrem Netzwerk kamen zu viele Anfragen. Warten Sie {count} Sekunden und versuchen Sie es dann erneut.',
  'error.broken.title': 'Etwas ist schiefgegangen',
  'error.broken.text': [
    'Der Fehler liegt bei uns, nicht bei Ihnen. Bitte versuchen Sie es gleich noch einmal.',
    'Wenn das Problem weiter besteht, nennen Sie den Betreibern dieser Website die Anfrage-ID, die unten steht, und beschreiben Sie, was Sie gerade tun wollten.',
  ],
  'error.unavailable.title': 'Das ist gerade nicht möglich',
  'error.unavailable.text': ['Bitte versuchen Sie es gleich noch einmal.'],
  'error.help': 'Hilfe',
  'error.request-id': 'Anfrage-ID:',
  'error.cookies-blocked':
    'Ihr Browser blockiert Cookies für diese Website, oder Sie haben einen alten Link geöffnet. Erlauben Sie Cookies und beginnen Sie dann von vorn.',
  'error.needed.provider': 'Sie müssen sich mit einem Konto von {provider} anmelden.',
  'error.needed.one-of-providers':
    'Sie müssen sich mit einem Konto von einem dieser Anbieter anmelden: {providers}.',
  'error.needed.role': 'Ihr Konto braucht die Rolle „{role}“.',
  'error.needed.one-of-roles': 'Ihr Konto braucht eine dieser Rollen: {roles}.',
  'error.needed.all-roles': 'Ihr Konto braucht alle diese Rollen: {roles}.',
  'error.needed.scopes': 'Ihre Anmeldung braucht diese Berechtigungen: {scopes}.',
  'error.signed-in-as': 'Angemeldet als',

  'development.provider': 'Anbieter Ihres Kontos (nur bei der Entwicklung)',
  'development.roles': 'Rollen Ihres Kontos (nur bei der Entwicklung)',
  'development.scopes': 'Berechtigungen Ihrer Anmeldung (nur bei der Entwicklung)',
  'development.claims': 'Angaben zu Ihrem Konto (nur bei der Entwicklung)',
  'development.none': 'keine',
  'development.what-to-do': 'Was zu tun ist (nur bei der Entwicklung)',
  'development.mark-route':
    'Lesen Sie den Inhalt des Formulars vor requireAuth ein und schreiben Sie <%- include(\'/kit/form\') %> in das Formular; ein Skript sendet den Inhalt von <meta name="kit-form"> als Header Kit-Form',
  'development.mark-view':
    'Schreiben Sie <%- include(\'/kit/form\') %> in jedes Formular von views/{view}.ejs; ein Skript sendet den Inhalt von <meta name="kit-form"> als Header Kit-Form',
  'development.cause': 'Ursache (nur bei der Entwicklung)',
  'development.console':
    'Bei der Entwicklung: Die Konsole zeigt den ganzen Fehler, in der Zeile mit dieser Anfrage-ID.',
};
