import type { failureTexts } from '../../errors/texts/failures.ts';
import type { TextsFor } from '../../errors/texts.ts';

// Where nobody knows the provider, `{provider}` is “die Anmeldeseite”, so it only stands where that is right: in the
// nominative, or in the accusative.

const notSignedIn = 'Sie wurden nicht angemeldet.';
const toFix = 'Das müssen die Betreiber dieser Website beheben.';
const trySigningInAgain =
  'Bitte versuchen Sie, sich erneut anzumelden. Wenn das Problem weiter besteht, nennen Sie den Betreibern dieser Website die Anfrage-ID, die unten steht.';
const startAgain = 'Bitte beginnen Sie von vorn.';
const openAgain = 'Öffnen Sie die Seite erneut und versuchen Sie es dann noch einmal.';

export const failures: TextsFor<typeof failureTexts> = {
  'error.callback_parameters.title': 'Ihre Anmeldung konnte nicht abgeschlossen werden',
  'error.callback_parameters.text': ['Die Antwort der Anmeldeseite war ungültig.', trySigningInAgain],
  'error.state_missing.title': 'Diese Anmeldung wurde nicht in diesem Browser begonnen',
  'error.state_missing.text': [startAgain],
  'error.state_unknown.title': 'Diese Anmeldung ist abgelaufen',
  'error.state_unknown.text': [
    'Vielleicht wurde sie schon verwendet, oder Ihr Browser blockiert unsere Cookies.',
    startAgain,
  ],
  'error.login_expired.title': 'Das hat zu lange gedauert',
  'error.login_expired.text': ['Für die Anmeldung haben Sie eine Stunde Zeit. Bitte beginnen Sie von vorn.'],
  'error.authentication_expired.title': 'Die Anmeldeseite war abgelaufen',
  'error.authentication_expired.text': [startAgain],
  'error.access_denied.title': 'Ihre Anmeldung wurde nicht abgeschlossen',
  'error.access_denied.text': [
    'Sie haben die Anmeldung abgebrochen, oder Ihr Konto darf diese Website nicht nutzen. Sie wurden deshalb nicht angemeldet.',
    'Versuchen Sie es erneut oder verwenden Sie ein anderes Konto. Wenn Sie Zugang haben sollten, fragen Sie die Betreiber dieser Website.',
  ],
  'error.login_required.title': '{Provider} benötigt weitere Angaben von Ihnen',
  'error.login_required.text': [startAgain],
  'error.provider_error.title': '{Provider} hat ein Problem gemeldet',
  'error.provider_error.text': [notSignedIn, trySigningInAgain],
  'error.issuer_mismatch.title': 'Die Antwort kam von anderer Stelle',
  'error.issuer_mismatch.text': [
    'Sie sollten über {provider} angemeldet werden, die Antwort kam aber von anderer Stelle. Wir haben sie deshalb nicht verwendet.',
    trySigningInAgain,
  ],
  'error.token_refused.title': '{Provider} hat Ihre Anmeldung nicht abgeschlossen',
  'error.token_refused.text': [notSignedIn, trySigningInAgain],
  'error.provider_answer.title': '{Provider} hat eine Antwort gesendet, die wir nicht verwenden können',
  'error.provider_answer.text': [notSignedIn, trySigningInAgain],
  'error.provider_unreachable.title': 'Wir können {provider} nicht erreichen',
  'error.provider_unreachable.text': ['Bitte versuchen Sie es in ein paar Minuten noch einmal.'],
  'error.discovery_issuer.title': 'Die Anmeldung ist nicht richtig eingerichtet',
  'error.discovery_issuer.text': [
    '{Provider} meldet sich unter einem anderen Namen, als wir erwarten.',
    toFix,
  ],
  'error.discovery_invalid.title': 'Die Anmeldung über {provider} ist gerade nicht möglich',
  'error.discovery_invalid.text': ['Bitte versuchen Sie es später noch einmal.'],
  'error.id_token_claims.title': 'Ihre Anmeldung konnte nicht geprüft werden',
  'error.id_token_claims.text': [notSignedIn, trySigningInAgain],
  'error.id_token_expired.title': 'Ihre Anmeldung war bereits abgelaufen',
  'error.id_token_expired.text': [notSignedIn, trySigningInAgain],
  'error.clock.title': '{Provider} hat eine andere Uhrzeit als wir',
  'error.clock.text': [
    'Die Uhrzeiten liegen so weit auseinander, dass wir nicht feststellen können, ob Ihre Anmeldung noch gültig ist.',
    `${toFix} Bitte versuchen Sie es später noch einmal.`,
  ],
  'error.not_fresh.title': 'Bitte melden Sie sich erneut an',
  'error.not_fresh.text': [
    'Dafür müssen Sie sich vor Kurzem angemeldet haben. {Provider} hat aber keine neue Anmeldung von Ihnen verlangt.',
    'Melden Sie sich zuerst dort ab und versuchen Sie es dann erneut.',
  ],
  'error.acr_not_met.title': 'Dafür ist eine sicherere Anmeldung nötig',
  'error.acr_not_met.text': [
    'Sie müssen sich auf eine sicherere Art anmelden, zum Beispiel mit einem zweiten Faktor. {Provider} hat das aber nicht von Ihnen verlangt.',
    'Richten Sie dort eine solche Anmeldung ein und versuchen Sie es dann erneut.',
  ],
  'error.tenant_not_allowed.title': 'Ihre Organisation hat keinen Zugang',
  'error.tenant_not_allowed.text': [
    'Sie haben sich mit dem Konto einer Organisation angemeldet, die diese Website nicht nutzen darf.',
    'Melden Sie sich mit einem anderen Konto an oder fragen Sie die Betreiber dieser Website.',
  ],
  'error.not_admitted.title': 'Sie können diese App nicht nutzen',
  'error.not_admitted.text': ['Ihr Konto ist für diese App nicht zugelassen.'],
  'error.admission_failed.title': 'Wir können Sie gerade nicht anmelden',
  'error.admission_failed.text': [`${notSignedIn} Bitte versuchen Sie es in ein paar Minuten noch einmal.`],
  'error.userinfo_sub_mismatch.title': 'Wir haben widersprüchliche Angaben zu Ihrem Konto erhalten',
  'error.userinfo_sub_mismatch.text': [notSignedIn, trySigningInAgain],
  'error.userinfo_refused.title': '{Provider} hat uns Ihre Angaben nicht übermittelt',
  'error.userinfo_refused.text': [notSignedIn, trySigningInAgain],
  'error.userinfo_encrypted.title': 'Wir konnten Ihre Angaben nicht lesen',
  'error.userinfo_encrypted.text': [
    '{Provider} sendet Ihre Angaben in einer Form, die diese Website nicht lesen kann.',
    toFix,
  ],
  'error.claims_too_large.title': '{Provider} hat zu viel gesendet',
  'error.claims_too_large.text': [
    'Zu Ihrem Konto kamen mehr Angaben, zum Beispiel Gruppen, als diese Website speichern kann.',
    'Bitte informieren Sie die Betreiber dieser Website.',
  ],
  'error.ended_meanwhile.title': 'Sie wurden während der Anmeldung abgemeldet',
  'error.ended_meanwhile.text': [
    'Sie wurden inzwischen überall abgemeldet. Diese Anmeldung wurde deshalb nicht abgeschlossen.',
  ],
  'error.loop.title': 'Ihre Anmeldung geht immer wieder verloren',
  'error.loop.text': [
    'Sie haben sich innerhalb einer Minute dreimal angemeldet, aber jedes Mal ging Ihre Sitzung verloren. Wir haben angehalten, damit Sie nicht im Kreis geschickt werden.',
    'Vielleicht blockiert Ihr Browser unsere Cookies, Sie haben diese Website mit http statt mit https geöffnet, oder eine Uhr geht falsch.',
    'Erlauben Sie Cookies für diese Website, öffnen Sie sie mit https und versuchen Sie es dann erneut.',
  ],

  'error.sign_in_first.title': 'Bitte melden Sie sich an',
  'error.sign_in_first.text': ['Um dies zu sehen, müssen Sie angemeldet sein.'],
  'error.work_not_saved.title': 'Sie wurden abgemeldet',
  'error.work_not_saved.text': [
    'Es wurde noch nichts gespeichert. Melden Sie sich an, gehen Sie dann im Browser zurück und senden Sie das Formular erneut ab.',
  ],
  'error.session_over.title': 'Ihre Sitzung ist beendet',
  'error.session_over.text': [
    '{Provider} hat Ihre Anmeldung nicht verlängert. Wir haben Sie deshalb abgemeldet.',
  ],
  'error.stronger_sign_in.title': 'Bitte melden Sie sich erneut an',
  'error.stronger_sign_in.text': ['Dafür ist eine neuere oder sicherere Anmeldung nötig als Ihre bisherige.'],
  'error.auth_time_missing.title': 'Wir konnten nicht feststellen, wann Sie sich angemeldet haben',
  'error.auth_time_missing.text': [
    'Dafür müssen Sie sich vor Kurzem angemeldet haben. Sie haben sich erneut angemeldet, {provider} hat uns aber nicht mitgeteilt, wann das war.',
    toFix,
  ],
  'error.sign_in_again.title': 'Bitte melden Sie sich erneut an',
  'error.sign_in_again.text': [
    'Melden Sie sich erneut an, um fortzufahren. Sie wurden nicht abgemeldet und kommen danach hierher zurück.',
  ],
  'error.forbidden.title': 'Sie haben keinen Zugriff auf diese Seite',
  'error.forbidden.text': ['Ihrem Konto fehlen die Rechte, die für diese Seite nötig sind.'],
  'error.other_persons_page.title': 'Diese Seite wurde von einer anderen Person geöffnet',
  'error.other_persons_page.text': [
    'Seit die Seite geöffnet wurde, hat sich in diesem Browser eine andere Person angemeldet. Wir haben die gesendeten Daten deshalb verworfen. Es wurde nichts geändert.',
    openAgain,
  ],
  'error.unmarked_page.title': 'Wir konnten nicht feststellen, für wen diese Seite geöffnet wurde',
  'error.unmarked_page.text': [
    'Aus den gesendeten Daten geht das nicht hervor. Wir haben sie deshalb verworfen. Es wurde nichts geändert.',
    openAgain,
  ],
  'error.issuer_unknown.title': 'Wir kennen diesen Anmeldedienst nicht',
  'error.issuer_unknown.text': ['Diese Website verwendet ihn nicht.'],
  'error.set_up.title': 'Die Anmeldung über {provider} ist nicht richtig eingerichtet',
  'error.set_up.text': [
    `${notSignedIn} Ein neuer Versuch hilft im Moment nicht.`,
    `${toFix} Bitte nennen Sie ihnen die Anfrage-ID, die unten steht.`,
  ],
  'error.store_away.title': 'Wir können Ihre Anmeldung gerade nicht prüfen',
  'error.store_away.text': ['Bitte versuchen Sie es gleich noch einmal. Sie wurden nicht abgemeldet.'],
  'error.sign_in_store_away.title': 'Wir können Sie gerade nicht anmelden',
  'error.sign_in_store_away.text': [
    'Etwas, das dafür nötig ist, antwortet nicht. Bitte versuchen Sie es gleich noch einmal.',
  ],
  'error.api_unreachable.title': 'Ein Dienst, den diese Seite braucht, antwortet nicht',
  'error.api_unreachable.text': ['Bitte versuchen Sie es gleich noch einmal.'],
  'error.api_token_refused.title': 'Wir können einen Dienst, den diese Seite braucht, nicht nutzen',
  'error.api_token_refused.text': [
    '{Provider} erlaubt dieser Website nicht, ihn in Ihrem Namen zu nutzen. Sie sind weiterhin angemeldet.',
    toFix,
  ],
  'error.client_refused.title': 'Die Anmeldung ist nicht richtig eingerichtet',
  'error.client_refused.text': [
    '{Provider} nimmt Anfragen dieser Website gerade nicht an. Sie wurden weder an- noch abgemeldet.',
    `${toFix} Bitte versuchen Sie es später noch einmal.`,
  ],
};
