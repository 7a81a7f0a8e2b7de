import type { pageTexts } from '../../errors/texts/pages.ts';
import type { TextsFor } from '../../errors/texts.ts';

const inNewTab =
  'Melden Sie sich in einem neuen Tab erneut an und kommen Sie dann hierher zurück. Ihre Eingaben bleiben erhalten.';

export const pages: TextsFor<typeof pageTexts> = {
  'button.sign-in': 'Anmelden',
  'button.sign-up': 'Registrieren',
  'button.sign-in-again': 'Erneut anmelden',
  'button.sign-out': 'Abmelden',
  'button.stay-signed-in': 'Angemeldet bleiben',
  'button.sign-out-there': 'Bei {provider} abmelden',
  'button.use-another-account': 'Anderes Konto verwenden',
  'button.try-again': 'Erneut versuchen',
  'button.open-again': 'Seite erneut öffnen',
  'button.send-again': 'Erneut senden',
  'button.home': 'Zur Startseite',
  'button.open-page': 'Seite öffnen',
  'button.copy': 'Kopieren',
  'button.copied': 'Kopiert',
  'button.continue': 'Weiter',
  'button.reload': 'Seite neu laden',
  'button.close': 'Schließen',
  'button.cancel': 'Abbrechen',

  'header.signed-in-as': 'Angemeldet als',
  'header.store-away':
    'Wir können gerade nicht prüfen, ob Sie angemeldet sind. Sie wurden nicht abgemeldet. Bitte versuchen Sie es in einer Minute noch einmal.',

  'ending.idle': 'Sie waren eine Weile nicht aktiv. Zu Ihrer Sicherheit melden wir Sie um {time} ab.',
  'ending.absolute': `Sie werden um {time} abgemeldet. ${inNewTab}`,
  'ending.ended': `Ihre Sitzung ist beendet. ${inNewTab}`,
  'ending.signed-out': `Sie wurden in einem anderen Tab abgemeldet. ${inNewTab}`,
  'ending.other-person':
    'Sie haben sich in einem anderen Tab als {name} angemeldet. Diese Seite wurde für {before} geöffnet. Laden Sie sie neu, um als {name} fortzufahren.',
  'ending.account':
    'Sie haben sich in einem anderen Tab mit einem anderen Konto angemeldet. Laden Sie diese Seite neu, um mit diesem Konto fortzufahren.',
  'ending.stayed': 'Sie sind weiterhin angemeldet.',
  'ending.failed': 'Das hat nicht funktioniert. Bitte versuchen Sie es erneut.',
  'ending.new-tab': '(öffnet einen neuen Tab)',
  'ending.label': 'Ihre Sitzung',

  'said.signed-in-again': 'Danke, dass Sie sich erneut angemeldet haben. Sie können jetzt fortfahren.',

  'held-form.text':
    'Es wurde noch nichts gespeichert. Melden Sie sich in einem neuen Tab an und wählen Sie dann „Erneut senden“.',
  'held-form.secrets':
    'Zu Ihrer Sicherheit werden Passwörter und ähnliche Felder nicht aufbewahrt. Sie müssen sie noch einmal eingeben.',

  // In the nominative and in the accusative.
  'provider.unknown': 'die Anmeldeseite',
  'chooser.title': 'Wählen Sie, wie Sie sich anmelden',
  'chooser.last': 'Zuletzt verwendet',
  'chooser.continue': 'Weiter mit {provider}',
  'leaving.title': 'Weiter zu {provider}',
  'leaving.sign-in':
    'Sie werden zur Anmeldung zu {provider} weitergeleitet. Wenn nichts passiert, wählen Sie „Weiter“.',
  'leaving.sign-out': [
    'Sie haben sich von dieser Website abgemeldet. Sie werden zu {provider} weitergeleitet, um sich auch dort abzumelden.',
    'Wenn nichts passiert, wählen Sie „Weiter“.',
  ],

  'sign-out.title': 'Möchten Sie sich abmelden?',
  'sign-out.text': ['Damit enden Ihre Sitzung auf dieser Website und Ihre Anmeldung über {provider}.'],

  'other-site.title': 'Möchten Sie mit der Anmeldung fortfahren?',
  'other-site.text': [
    'Ein Link auf einer anderen Website hat Sie hierher geführt. Sie sind zurzeit angemeldet.',
    'Wenn Sie fortfahren, werden Sie vielleicht mit einem anderen Konto angemeldet. Fahren Sie nur fort, wenn Sie das erwartet haben.',
  ],
  'third-party.title': 'Möchten Sie mit der Anmeldung fortfahren?',
  'third-party.text': [
    'Eine andere Website hat Sie zur Anmeldung hierher geschickt. Fahren Sie nur fort, wenn Sie das erwartet haben.',
    'Sie werden zur Anmeldung zu {provider} weitergeleitet und danach zu der Seite, die Sie öffnen wollten.',
  ],

  'signed-out.page': 'Abgemeldet',
  'signed-out.title': 'Sie haben sich abgemeldet',
  'signed-out.ended': 'Ihre Sitzung ist beendet',
  'signed-out.not-signed-in': 'Sie sind nicht angemeldet',
  'signed-out.still-signed-in': 'Sie sind angemeldet',
  'signed-out.to-leave': 'Um sich abzumelden, wählen Sie „Abmelden“ oben auf der Seite.',
  'signed-out.provider-stays':
    '{Provider} hat Ihre Anmeldung vielleicht nicht beendet. Wenn auch andere diesen Computer benutzen, melden Sie sich dort ebenfalls ab.',
  'signed-out.this-site': 'Diese Website',
  'signed-out.others.one': 'Ihre {count} andere Sitzung',
  'signed-out.others.other': 'Ihre {count} anderen Sitzungen',
  'signed-out.access': 'Zugriff dieser App auf Ihr Konto',
  'signed-out.at-provider': 'Ihre Anmeldung über {provider}',
  'signed-out.how.ended': 'Beendet',
  'signed-out.how.revoked': 'Widerrufen',
  'signed-out.how.still-there': 'Noch angemeldet',
  'signed-out.how.unknown': 'Unbekannt',

  'ended.signed-out': 'Sie haben sich abgemeldet.',
  'ended.idle.one': 'Sie wurden abgemeldet, weil Sie {count} Minute lang nicht aktiv waren.',
  'ended.idle.other': 'Sie wurden abgemeldet, weil Sie {count} Minuten lang nicht aktiv waren.',
  'ended.expired.one': 'Sie wurden abgemeldet, weil eine Sitzung höchstens {count} Stunde dauert.',
  'ended.expired.other': 'Sie wurden abgemeldet, weil eine Sitzung höchstens {count} Stunden dauert.',
  'ended.other-device': 'Sie haben diesen Browser von einem anderen Gerät aus abgemeldet.',
  'ended.provider': '{Provider} hat Ihre Sitzung beendet.',
  'ended.operator': 'Die Betreiber dieser Website haben Ihre Sitzung beendet.',
  'ended.account': '{Provider} akzeptiert dieses Konto nicht mehr. Wir haben Sie deshalb abgemeldet.',
  'ended.not-admitted':
    'Ihr Konto ist für diese App nicht mehr zugelassen. Wir haben Sie deshalb abgemeldet.',
  'ended.provider-session':
    'Ihre Anmeldung über {provider} ist beendet. Wir haben Sie deshalb auch hier abgemeldet.',
  'ended.not-renewed': '{Provider} hat Ihre Anmeldung nicht verlängert. Wir haben Sie deshalb abgemeldet.',
  'ended.provider-changed':
    'Diese Website verwendet den Anmeldedienst nicht mehr, über den Sie angemeldet waren. Wir haben Sie deshalb abgemeldet.',
  'ended.replaced': 'Sie haben sich in diesem Browser erneut angemeldet. Das hat diese Sitzung ersetzt.',

  'sessions.title': 'Wo Sie angemeldet sind',
  'sessions.nav': 'Sitzungen',
  'sessions.lead':
    'Erkennen Sie eine dieser Sitzungen nicht wieder? Melden Sie sie ab und ändern Sie dann Ihr Passwort.',
  'sessions.this-browser': 'Dieser Browser',
  'sessions.signed-in': 'Angemeldet am',
  'sessions.provider': 'über {provider}',
  'sessions.last-seen': 'Zuletzt aktiv',
  'sessions.active-now': 'Gerade aktiv',
  'sessions.expires': 'Endet am',
  'sessions.sooner.one': 'Eine Sitzung endet früher, wenn sie {count} Minute lang nicht benutzt wird.',
  'sessions.sooner.other': 'Eine Sitzung endet früher, wenn sie {count} Minuten lang nicht benutzt wird.',
  'sessions.sooner-hours.one': 'Eine Sitzung endet früher, wenn sie {count} Stunde lang nicht benutzt wird.',
  'sessions.sooner-hours.other':
    'Eine Sitzung endet früher, wenn sie {count} Stunden lang nicht benutzt wird.',
  'sessions.only-this': 'Sie sind sonst nirgends angemeldet.',
  'sessions.others': 'Andere Browser',
  'sessions.others-today': 'Andere Browser, aktiv in den letzten 24 Stunden',
  'sessions.others-earlier': 'Andere Browser, früher aktiv',
  'sessions.more.one':
    'Es gibt vielleicht noch {count} Sitzung, die älter ist als diese. Um auch sie abzumelden, wählen Sie „Überall sonst abmelden“.',
  'sessions.more.other':
    'Es gibt noch bis zu {count} Sitzungen, die älter sind als diese. Um auch sie abzumelden, wählen Sie „Überall sonst abmelden“.',
  'sessions.which': '{device}, angemeldet am {time}',
  'sessions.which-this': '(dieser Browser)',
  'sessions.several': 'Mehrere Sitzungen abmelden',
  'sessions.recent':
    'Zu Ihrer Sicherheit müssen Sie sich dafür in den letzten zehn Minuten angemeldet haben. Andernfalls bitten wir Sie, sich erneut anzumelden, und bringen Sie danach hierher zurück.',
  'sessions.sign-out-others': 'Überall sonst abmelden',
  'sessions.sign-out-all': 'Überall abmelden',
  'sessions.said.session': '{device} wurde abgemeldet.',
  'sessions.said.gone': 'Diese Sitzung war bereits beendet.',
  'sessions.said.others.one': 'Sie haben {count} andere Sitzung abgemeldet.',
  'sessions.said.others.other': 'Sie haben {count} andere Sitzungen abgemeldet.',
  'sessions.said.no-others': 'Ihre anderen Sitzungen waren bereits beendet.',

  'device.browser-and-system': '{browser} auf {system}',
  'device.browser': '{browser} auf einem unbekannten System',
  'device.system': 'Ein Browser auf {system}',
  'device.unknown': 'Ein unbekannter Browser',

  'time.just-now': 'gerade eben',
};
